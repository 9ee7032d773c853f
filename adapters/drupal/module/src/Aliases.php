<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;

/**
 * Free addresses for pages that are made. Afterwards they are the editor's.
 */
final class Aliases {

  /**
   * Aliases that were looked up and are not taken yet.
   */
  private array $unused = [];

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
  ) {}

  /**
   * A slug as it stands in an address.
   */
  public static function cleaned(string $slug): string {
    $clean = trim((string) preg_replace('/[^\p{L}\p{N}_.~-]+/u', '-', mb_strtolower($slug)), '-.');
    return $clean === '' ? 'product' : mb_substr($clean, 0, 150);
  }

  /**
   * Looks up at once which aliases for many pages are not taken.
   */
  public function lookUp(string $prefix, array $slugs): void {
    $wanted = array_map(static fn (string $slug): string => self::wanted($prefix, $slug), array_values($slugs));
    $taken = $wanted ? self::folded($this->database->query('SELECT [alias] FROM {path_alias} WHERE [alias] IN (:aliases[])', [':aliases[]' => $wanted])->fetchCol()) : [];
    $this->unused = array_filter(array_flip($wanted), static fn (string $alias): bool => !isset($taken[mb_strtolower($alias)]), ARRAY_FILTER_USE_KEY);
  }

  /**
   * Aliases as keys, without their case: a prefix may have capitals.
   */
  private static function folded(array $aliases): array {
    return array_flip(array_map(mb_strtolower(...), $aliases));
  }

  private static function wanted(string $prefix, string $slug): string {
    return rtrim('/' . trim($prefix, '/'), '/') . '/' . self::cleaned($slug);
  }

  /**
   * The first alias that is not taken: /products/x, /products/x-2 and so on.
   */
  public function free(string $prefix, string $slug): string {
    $wanted = self::wanted($prefix, $slug);
    if (isset($this->unused[$wanted])) {
      unset($this->unused[$wanted]);
      return $wanted;
    }
    $taken = self::folded($this->database->query('SELECT [alias] FROM {path_alias} WHERE [alias] = :alias OR [alias] LIKE :like', [
      ':alias' => $wanted,
      ':like' => $this->database->escapeLike("$wanted-") . '%',
    ])->fetchCol());
    for ($number = 1; TRUE; $number++) {
      $alias = $wanted . ($number > 1 ? "-$number" : '');
      if (!isset($taken[mb_strtolower($alias)])) {
        return $alias;
      }
    }
  }

  /**
   * Gives a node a further alias, which goes before those it has.
   */
  public function add(int $node, string $prefix, string $slug, string $langcode): void {
    $aliases = $this->entityTypes->getStorage('path_alias');
    $wanted = self::wanted($prefix, $slug);
    // An address that it had before is made anew, so that it is the newest.
    $old = $aliases->loadByProperties(['path' => "/node/$node", 'alias' => $wanted]);
    $aliases->delete($old);
    $alias = $old ? $wanted : $this->free($prefix, $slug);
    $aliases->create(['path' => "/node/$node", 'alias' => $alias, 'langcode' => $langcode])->save();
  }

}
