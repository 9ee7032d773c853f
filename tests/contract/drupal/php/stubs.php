<?php

/**
 * @file
 * As much of core's interfaces as the module's classes need that are checked here.
 */

namespace Symfony\Component\HttpFoundation {

  final class Bag {

    public function __construct(private array $all) {}

    public function get(string $name, mixed $default = NULL): mixed {
      return $this->all[strtolower($name)] ?? $this->all[$name] ?? $default;
    }

    public function all(): array {
      return $this->all;
    }

  }

  class Request {

    public Bag $headers;
    public Bag $query;
    public Bag $server;
    public Bag $cookies;
    public Bag $request;
    public string $ip = '127.0.0.1';

    public function __construct(private string $method = 'GET', private string $path = '/', string $query = '', private string $content = '', array $headers = []) {
      parse_str($query, $parsed);
      $this->query = new Bag($parsed);
      $this->headers = new Bag($headers);
      $this->server = new Bag(['REQUEST_URI' => $path . ($query === '' ? '' : "?$query")]);
      $this->cookies = new Bag([]);
      $this->request = new Bag([]);
    }

    public function getClientIp(): ?string {
      return $this->ip;
    }

    public function getMethod(): string {
      return $this->method;
    }

    public function getPathInfo(): string {
      return $this->path;
    }

    public function getContent(): string {
      return $this->content;
    }

    public function getSchemeAndHttpHost(): string {
      return 'https://magazine.example';
    }

    public function getBasePath(): string {
      return '';
    }

    public function isSecure(): bool {
      return TRUE;
    }

  }

  final class RequestStack {

    public ?Request $request = NULL;

    public function getMainRequest(): ?Request {
      return $this->request;
    }

  }

  final class Cookie {

    const SAMESITE_LAX = 'lax';
    const SAMESITE_STRICT = 'strict';

    public function __construct(public string $name, private string $value, public int $until, public string $path, public ?string $domain, public bool $secure, public bool $httpOnly, public bool $raw, public string $sameSite) {}

    public function getValue(): string {
      return $this->value;
    }

  }

  final class Cookies {

    public array $set = [];

    public function setCookie(Cookie $cookie): void {
      $this->set[$cookie->name] = $cookie;
    }

  }

  class Response {

    public Cookies $headers;

    public function __construct() {
      $this->headers = new Cookies();
    }

  }

}

namespace Drupal\Component\Datetime {

  interface TimeInterface {}

}

namespace Drupal\Core {

  final class PrivateKey {

    public function get(): string {
      return 'private key';
    }

  }

}

namespace Drupal\Component\Utility {

  final class Crypt {

    public static function hmacBase64(string $text, string $key): string {
      return rtrim(strtr(base64_encode(hash_hmac('sha256', $text, $key, TRUE)), '+/', '-_'), '=');
    }

  }

}

namespace Drupal\Core\State {

  interface StateInterface {}

}

namespace Drupal\Core\Config {

  interface ConfigFactoryInterface {}

}

namespace Drupal\Core\Authentication {

  interface AuthenticationProviderInterface {}

}

namespace Drupal\Core\PageCache {

  interface RequestPolicyInterface {

    const DENY = 'deny';

  }

}

namespace Drupal\Core\Entity {

  interface EntityTypeManagerInterface {}

}

namespace Drupal\user {

  interface UserInterface {}

}

namespace {

  final class Clock implements Drupal\Component\Datetime\TimeInterface {

    public int $now = 1795485600;

    public function getCurrentTime(): int {
      return $this->now;
    }

  }

  final class State implements Drupal\Core\State\StateInterface {

    private array $kept = [];

    public function get(string $name, mixed $default = NULL): mixed {
      return $this->kept[$name] ?? $default;
    }

    public function set(string $name, mixed $value): void {
      $this->kept[$name] = $value;
    }

  }

  final class User implements Drupal\user\UserInterface {

    public function __construct(public bool $may = TRUE) {}

    public function hasPermission(string $permission): bool {
      return $this->may && $permission === 'use commerce connector site api';
    }

  }

  final class Entities implements Drupal\Core\Entity\EntityTypeManagerInterface {

    public function __construct(private array $users) {}

    public function getStorage(string $type): self {
      return $this;
    }

    public function loadByProperties(array $properties): array {
      return $properties === ['name' => 'commerce_connector'] ? $this->users : [];
    }

  }

  final class Drupal {

    public static array $services = [];

    public static function service(string $name): object {
      return self::$services[$name];
    }

  }

  final class Config implements Drupal\Core\Config\ConfigFactoryInterface {}

}
