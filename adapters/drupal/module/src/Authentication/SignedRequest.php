<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Authentication;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Authentication\AuthenticationProviderInterface;
use Drupal\commerce_connector\Exception\Refused;
use Drupal\commerce_connector\Role;
use Drupal\commerce_connector\Secrets;
use Drupal\commerce_connector\Signature;
use Drupal\commerce_connector\Versions;
use Symfony\Component\HttpFoundation\Request;

/**
 * A signed request to the site API acts as the daemon's user.
 *
 * Cookies count for nothing there: whatever is below the root is either signed
 * or refused with 401.
 */
final class SignedRequest implements AuthenticationProviderInterface {

  public const ROOT = '/commerce-connector/v1';

  public function __construct(
    private readonly Secrets $secrets,
    private readonly Role $role,
    private readonly TimeInterface $time,
  ) {}

  /**
   * Whether a request is one to the site API.
   */
  public static function isOurs(Request $request): bool {
    return str_starts_with($request->getPathInfo(), self::ROOT . '/');
  }

  /**
   * {@inheritdoc}
   */
  public function applies(Request $request) {
    return self::isOurs($request);
  }

  /**
   * {@inheritdoc}
   */
  public function authenticate(Request $request) {
    $secrets = array_column($this->secrets->valid(), 'secret');
    if (!$secrets) {
      throw new Refused(401, 'not_paired', 'This site is not paired: make a secret on Configuration > Web services > Commerce Connector.');
    }
    $sent_at = (string) $request->headers->get('webhook-timestamp', '');
    $fits = Signature::fits(
      $secrets,
      (string) $request->headers->get('webhook-id', ''),
      $sent_at,
      (string) $request->headers->get('webhook-signature', ''),
      $request->getMethod() . ' ' . self::target($request) . "\n" . $request->getContent(),
      $this->time->getCurrentTime(),
    );
    if (!$fits) {
      throw new Refused(401, 'bad_signature', 'The signature does not fit, or its time is more than five minutes off.');
    }
    $misfit = Versions::misfit((string) $request->headers->get(Versions::HEADER, ''));
    if ($misfit !== '') {
      throw new Refused(403, 'version', $misfit);
    }
    $user = $this->role->user();
    if (!$user || !$user->hasPermission('use commerce connector site api')) {
      throw new Refused(403, 'no_role', 'The user commerce_connector is gone or has lost its role: save the form on Configuration > Web services > Commerce Connector, which makes both anew.');
    }
    $this->secrets->noteSeen((int) $sent_at);
    return $user;
  }

  /**
   * Path below the root, and the query exactly as sent.
   */
  private static function target(Request $request): string {
    $uri = (string) $request->server->get('REQUEST_URI', '');
    return substr($request->getPathInfo(), strlen(self::ROOT)) . (string) strstr($uri, '?');
  }

}
