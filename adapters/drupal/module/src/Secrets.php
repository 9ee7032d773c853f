<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\State\StateInterface;

/**
 * The signing secrets of this site: made, rotated, kept.
 *
 * They live in the state, never in configuration, which gets exported.
 */
final class Secrets {

  public const STATE = 'commerce_connector.secrets';
  public const SEEN = 'commerce_connector.seen';
  private const OVERLAP_SECONDS = 86400;

  public function __construct(private readonly StateInterface $state, private readonly TimeInterface $time) {}

  /**
   * A fresh secret in place of all others.
   */
  public function pair(): string {
    $secret = self::make();
    $this->state->set(self::STATE, [['secret' => $secret, 'expires' => 0]]);
    return $secret;
  }

  /**
   * A fresh secret; those of before hold for another 24 hours.
   */
  public function rotate(): string {
    $secret = self::make();
    $until = $this->time->getCurrentTime() + self::OVERLAP_SECONDS;
    $kept = [['secret' => $secret, 'expires' => 0]];
    foreach ($this->valid() as $old) {
      $old['expires'] = $old['expires'] ? min($old['expires'], $until) : $until;
      $kept[] = $old;
    }
    $this->state->set(self::STATE, $kept);
    return $secret;
  }

  /**
   * The secrets that hold now, newest first, each with its end (0: none).
   *
   * @return array[]
   *   Each with secret and expires.
   */
  public function valid(): array {
    $now = $this->time->getCurrentTime();
    return array_values(array_filter(
      $this->state->get(self::STATE, []),
      static fn (array $one): bool => $one['expires'] === 0 || $one['expires'] > $now,
    ));
  }

  /**
   * Notes that a signed request came, at most once a minute.
   */
  public function noteSeen(int $sent_at): void {
    $now = $this->time->getCurrentTime();
    $seen = $this->seen();
    if (!$seen || abs($now - $seen['at']) >= 60) {
      $this->state->set(self::SEEN, ['at' => $now, 'skew' => $sent_at - $now]);
    }
  }

  /**
   * When the last signed request came (at), and its clock against ours (skew).
   */
  public function seen(): ?array {
    return $this->state->get(self::SEEN);
  }

  private static function make(): string {
    return Signature::PREFIX . base64_encode(random_bytes(32));
  }

}
