<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;

/**
 * Free addresses for pages that are made. Afterwards they are the editor's.
 */
final class Aliases {

  public function __construct(private readonly Connection $database) {}

  /**
   * A slug as it stands in an address.
   */
  public static function cleaned(string $slug): string {
    $clean = trim((string) preg_replace('/[^\p{L}\p{N}_.~-]+/u', '-', mb_strtolower($slug)), '-.');
    return $clean === '' ? 'product' : mb_substr($clean, 0, 150);
  }

  /**
   * The first alias that is not taken: /products/x, /products/x-2 and so on.
   */
  public function free(string $prefix, string $slug): string {
    $wanted = rtrim('/' . trim($prefix, '/'), '/') . '/' . self::cleaned($slug);
    $taken = $this->database->query('SELECT LOWER([alias]) FROM {path_alias} WHERE [alias] = :alias OR [alias] LIKE :like', [
      ':alias' => $wanted,
      ':like' => $this->database->escapeLike("$wanted-") . '%',
    ])->fetchCol();
    $taken = array_flip($taken);
    for ($number = 1; TRUE; $number++) {
      $alias = $wanted . ($number > 1 ? "-$number" : '');
      if (!isset($taken[$alias])) {
        return $alias;
      }
    }
  }

}
