<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

/**
 * Signatures: the Standard Webhooks scheme over method, target and body.
 *
 * Pure. The same vectors check this class and the daemon's side.
 */
final class Signature {

  public const PREFIX = 'whsec_';
  public const TOLERANCE_SECONDS = 300;

  /**
   * The signature of a message by a secret that is written whsec_<base64>.
   */
  public static function sign(string $secret, string $id, string $timestamp, string $content): string {
    $key = (string) base64_decode(substr($secret, strlen(self::PREFIX)), TRUE);
    return 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$content", $key, TRUE));
  }

  /**
   * Whether one of the secrets made one of the signatures, in time.
   *
   * @param string[] $secrets
   *   Secrets that hold.
   * @param string $id
   *   Header webhook-id.
   * @param string $timestamp
   *   Header webhook-timestamp.
   * @param string $offered
   *   Header webhook-signature: one or several, parted by spaces.
   * @param string $content
   *   What should have been signed.
   * @param int $now
   *   Unix time.
   */
  public static function fits(array $secrets, string $id, string $timestamp, string $offered, string $content, int $now): bool {
    if ($id === '' || strlen($id) > 256 || !preg_match('/^[0-9]{1,12}\z/', $timestamp)) {
      return FALSE;
    }
    if (abs($now - (int) $timestamp) > self::TOLERANCE_SECONDS) {
      return FALSE;
    }
    $fits = FALSE;
    foreach ($secrets as $secret) {
      $wanted = self::sign($secret, $id, $timestamp, $content);
      foreach (array_slice(explode(' ', $offered), 0, 16) as $have) {
        $fits = hash_equals($wanted, $have) || $fits;
      }
    }
    return $fits;
  }

}
