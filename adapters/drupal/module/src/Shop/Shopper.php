<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Shop;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Utility\Crypt;
use Drupal\Core\PrivateKey;
use Symfony\Component\HttpFoundation\Cookie;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\RequestStack;
use Symfony\Component\HttpFoundation\Response;

/**
 * What this site knows of a shopper: cookies of their browser, nothing else.
 *
 * The cookie commerce_connector_cart (HttpOnly) holds the sealed cart token and
 * a step. The step is another one after each intention that is done, so that
 * what is sent twice within a step is one intention: pressed twice, or repeated
 * by the network. The cookie commerce_cart is a mark without meaning that tells
 * scripts whether the token is still the one that they know.
 */
final class Shopper {

  public const CART = 'commerce_connector_cart';
  public const MARK = 'commerce_cart';
  private const FORM = 'commerce_connector_form';
  private const SAYS = 'commerce_connector_says';
  private const TOKEN = '/^cct_[A-Za-z0-9_-]{1,2040}\z/';
  private const KEPT_SECONDS = 30 * 86400;
  private const SAID_SECONDS = 60;

  /**
   * Cookies that the answer to this request sets, by name.
   *
   * @var \Symfony\Component\HttpFoundation\Cookie[]
   */
  private array $set = [];

  public function __construct(
    private readonly RequestStack $requests,
    private readonly PrivateKey $key,
    private readonly TimeInterface $time,
  ) {}

  /**
   * The token of the shopper's cart; "": there is none.
   */
  public function token(): string {
    $token = explode('.', $this->cookie(self::CART), 2)[1] ?? '';
    return self::isToken($token) ? $token : '';
  }

  /**
   * Whether a text looks like a token of the relay.
   */
  public static function isToken(mixed $text): bool {
    return is_string($text) && preg_match(self::TOKEN, $text) === 1;
  }

  /**
   * Keeps a token ("": the cart is over), and begins the next step.
   */
  public function keep(string $token): void {
    $until = $this->time->getCurrentTime() + self::KEPT_SECONDS;
    $this->set(self::CART, bin2hex(random_bytes(8)) . ".$token", $until);
    $mark = substr($this->hash("cart mark $token"), 0, 12);
    if ($this->cookie(self::MARK) !== $mark) {
      $this->set(self::MARK, $mark, $until, FALSE);
    }
  }

  /**
   * The id of what is asked now: the same for the same wish within a step.
   */
  public function intention(array $wish): string {
    if (!preg_match('/^[0-9a-f]{16}\./', $this->cookie(self::CART))) {
      $this->keep('');
    }
    return 'act_' . hash_hmac('sha256', json_encode($wish, JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR), $this->cookie(self::CART));
  }

  /**
   * A name for who asks, for the relay's rates: a keyed hash of the address.
   *
   * It is another one tomorrow; "" where only a proxy's address is seen.
   */
  public function client(): string {
    $address = (string) $this->request()->getClientIp();
    if (!filter_var($address, FILTER_VALIDATE_IP, FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE)) {
      return '';
    }
    $network = substr((string) inet_pton($address), 0, str_contains($address, ':') ? 8 : 4);
    $today = gmdate('Y-m-d', $this->time->getCurrentTime());
    return substr(hash_hmac('sha256', "commerce_connector client $today" . bin2hex($network), $this->key->get()), 0, 32);
  }

  /**
   * Who sent this request: us, others, or unknown.
   *
   * Pages from a cache are the same for everybody and can hold no token of a
   * session. Where the browser says nothing, the shopper is asked to confirm.
   */
  public function sentBy(): string {
    $request = $this->request();
    $site = (string) $request->headers->get('sec-fetch-site', '');
    if (in_array($site, ['same-origin', 'same-site', 'cross-site'], TRUE)) {
      return $site === 'same-origin' ? 'us' : 'others';
    }
    $from = (string) $request->headers->get('origin', '');
    $from = $from === '' || $from === 'null' ? (string) $request->headers->get('referer', '') : $from;
    if ($from === '') {
      return $this->isConfirmed($request) ? 'us' : 'unknown';
    }
    return self::origin($from) === self::origin($request->getSchemeAndHttpHost()) ? 'us' : 'others';
  }

  /**
   * A word for a form, which only this browser can send back.
   */
  public function confirmation(): string {
    $browser = bin2hex(random_bytes(16));
    $this->set(self::FORM, $browser, 0, TRUE, Cookie::SAMESITE_STRICT);
    return $this->hash("form $browser");
  }

  /**
   * Keeps sentences for the next page of this shopper that no cache keeps.
   */
  public function sayNext(string $tone, array $texts): void {
    $said = base64_encode(json_encode([$tone, array_slice(array_values($texts), 0, 6)], JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR));
    $this->set(self::SAYS, "$said." . $this->hash($said), $this->time->getCurrentTime() + self::SAID_SECONDS);
  }

  /**
   * What was kept for this page, which is gone then: tone and sentences.
   */
  public function saidBefore(): ?array {
    [$said, $seal] = explode('.', $this->cookie(self::SAYS), 2) + [1 => ''];
    if ($seal === '') {
      return NULL;
    }
    $this->set(self::SAYS, '', 1);
    $found = hash_equals($this->hash($said), $seal) ? json_decode((string) base64_decode($said, TRUE), TRUE) : NULL;
    return is_array($found) && count($found) === 2 ? $found : NULL;
  }

  /**
   * Puts what was set onto an answer.
   */
  public function putOn(Response $response): void {
    foreach ($this->set as $cookie) {
      $response->headers->setCookie($cookie);
    }
    $this->set = [];
  }

  /**
   * Whether the form holds the word that was given to this browser.
   */
  private function isConfirmed(Request $request): bool {
    $browser = $this->cookie(self::FORM);
    $word = $request->request->all()['confirm'] ?? '';
    return preg_match('/^[0-9a-f]{32}\z/', $browser) && is_string($word) && hash_equals($this->hash("form $browser"), $word);
  }

  /**
   * Scheme, host and port of an address; "" where it has none.
   */
  private static function origin(string $url): string {
    $parts = parse_url($url);
    if (!isset($parts['scheme'], $parts['host'])) {
      return '';
    }
    $usual = $parts['scheme'] === 'https' ? 443 : 80;
    return strtolower("{$parts['scheme']}://{$parts['host']}:" . ($parts['port'] ?? $usual));
  }

  /**
   * A cookie of the request, or as it was set since.
   */
  private function cookie(string $name): string {
    if (isset($this->set[$name])) {
      return (string) $this->set[$name]->getValue();
    }
    $value = $this->request()->cookies->all()[$name] ?? '';
    return is_string($value) ? $value : '';
  }

  private function set(string $name, string $value, int $until, bool $http_only = TRUE, string $same_site = Cookie::SAMESITE_LAX): void {
    $request = $this->request();
    $this->set[$name] = new Cookie($name, $value, $until, $request->getBasePath() . '/', NULL, $request->isSecure(), $http_only, FALSE, $same_site);
  }

  private function hash(string $text): string {
    return Crypt::hmacBase64("commerce_connector $text", $this->key->get());
  }

  private function request(): Request {
    return $this->requests->getMainRequest() ?? new Request();
  }

}
