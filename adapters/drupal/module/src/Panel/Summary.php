<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Panel;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\State\StateInterface;

/**
 * How it stands with each backend as a whole, as the daemon told last.
 */
final class Summary {

  public const STATE = 'commerce_connector.summaries';
  public const OLD_SECONDS = 300;

  public function __construct(private readonly StateInterface $state, private readonly TimeInterface $time) {}

  /**
   * Keeps a summary in place of the one before.
   */
  public function write(string $backend, object $summary): void {
    $all = $this->state->get(self::STATE, []);
    $all[$backend] = ['came_at' => $this->time->getCurrentTime(), 'summary' => json_decode((string) json_encode($summary), TRUE)];
    $this->state->set(self::STATE, $all);
  }

  /**
   * The summary of a backend; [] where none came yet.
   */
  public function of(string $backend): array {
    return $this->all()[$backend] ?? [];
  }

  /**
   * All summaries by backend: what they say, came_at, and is_old.
   */
  public function all(): array {
    $now = $this->time->getCurrentTime();
    return array_map(static fn (array $one): array => $one['summary'] + ['came_at' => $one['came_at'], 'is_old' => $now - $one['came_at'] > self::OLD_SECONDS], $this->state->get(self::STATE, []));
  }

}
