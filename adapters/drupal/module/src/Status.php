<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;

/**
 * What editors should see beside a product, as the daemon says it.
 */
final class Status {

  public function __construct(private readonly Connection $database, private readonly Stored $stored) {}

  /**
   * Keeps the notes of subjects that the site has; answers how many.
   *
   * What lists filter by stands in columns of its own.
   */
  public function write(array $items): int {
    $known = $this->stored->objectIds(array_keys($items));
    foreach (array_keys($known) as $key) {
      $note = $items[$key]->note;
      $this->database->update('commerce_connector_bindings')->fields([
        'status' => Keys::json($note),
        'in_conflict' => (int) !empty($note->conflicts),
        'is_parked' => (int) !empty($note->parked),
        'is_late' => (int) !empty($note->waiting),
      ])->condition('subject_key', $key)->execute();
    }
    return count($known);
  }

}
