<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Exception;

/**
 * The database is locked; the same request may be sent again.
 */
final class Busy extends \RuntimeException {

  /**
   * Whether a failure, or what caused it, is a lock that another request holds.
   */
  public static function is(\Throwable $error): bool {
    for ($cause = $error; $cause; $cause = $cause->getPrevious()) {
      if ($cause instanceof self) {
        return TRUE;
      }
      if ($cause instanceof \PDOException) {
        [$state, $code] = ($cause->errorInfo ?? []) + ['', 0];
        // MySQL: deadlock, lock wait. PostgreSQL: serialization, deadlock.
        // SQLite: busy, locked. Unique keys: another request made it first.
        if (in_array($state, ['40001', '40P01', '23000', '23505'], TRUE) || in_array((int) $code, [1213, 1205, 5, 6], TRUE)) {
          return TRUE;
        }
      }
    }
    return FALSE;
  }

}
