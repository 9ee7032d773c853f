<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;

/**
 * Categories and tags of a batch of pages, looked up by few queries.
 */
final class TermLists {

  /**
   * The backend's id of a category to its term.
   *
   * @var int[]
   */
  private array $categories = [];

  /**
   * Folded name of a tag to its term.
   *
   * @var int[]
   */
  private array $tags = [];

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly Mapping $mapping,
  ) {}

  /**
   * Looks all of them up, and makes the tags that are missing.
   */
  public function load(string $backend, array $categories, array $tags): void {
    $this->categories = $this->bound($backend, $categories);
    $this->tags = $this->existingTags($tags);
    foreach ($tags as $tag) {
      $folded = self::folded($tag);
      if ($folded !== '' && !isset($this->tags[$folded])) {
        $term = $this->entityTypes->getStorage('taxonomy_term')->create(['vid' => $this->mapping->setting('tag_vocabulary'), 'name' => mb_substr(trim($tag), 0, 255)]);
        $term->save();
        $this->tags[$folded] = (int) $term->id();
      }
    }
  }

  /**
   * Those of the names that are no tags yet.
   *
   * @return string[]
   *   Names.
   */
  public function unknownTags(array $names): array {
    $known = $this->existingTags($names);
    return array_filter($names, static fn (string $name): bool => !isset($known[self::folded($name)]));
  }

  /**
   * Those of the categories that the site does not have.
   *
   * @return string[]
   *   The backend's ids.
   */
  public function missing(array $ids): array {
    return array_values(array_filter($ids, fn (string $id): bool => !isset($this->categories[$id])));
  }

  /**
   * The terms of a list, in its order.
   *
   * @return int[]
   *   Term ids.
   */
  public function ids(string $field, array $names): array {
    $ids = [];
    foreach ($names as $name) {
      $id = $field === 'categories' ? $this->categories[$name] ?? 0 : $this->tags[self::folded($name)] ?? 0;
      if ($id) {
        $ids[$id] = $id;
      }
    }
    return array_values($ids);
  }

  /**
   * Categories by the backend's ids.
   */
  private function bound(string $backend, array $ids): array {
    if (!$ids) {
      return [];
    }
    $keys = array_map(static fn (string $id): string => Keys::subject($backend, 'category', $id), $ids);
    $found = $this->database->query('SELECT b.[backend_id], t.[tid] FROM {commerce_connector_bindings} b INNER JOIN {taxonomy_term_data} t ON t.[tid] = b.[object_id] WHERE b.[subject_key] IN (:keys[])', [':keys[]' => $keys])->fetchAllKeyed();
    return array_map('intval', $found);
  }

  /**
   * Tags that are there, by folded name; of equal names the oldest.
   */
  private function existingTags(array $names): array {
    $names = array_values(array_filter(array_map('trim', $names), static fn (string $name): bool => $name !== ''));
    if (!$names) {
      return [];
    }
    $found = [];
    $rows = $this->database->query('SELECT [tid], [name] FROM {taxonomy_term_field_data} WHERE [default_langcode] = 1 AND [vid] = :vid AND [name] IN (:names[]) ORDER BY [tid]', [
      ':vid' => $this->mapping->setting('tag_vocabulary'),
      ':names[]' => array_map(static fn (string $name): string => mb_substr($name, 0, 255), $names),
    ])->fetchAllKeyed();
    foreach ($rows as $id => $name) {
      $found[self::folded($name)] ??= (int) $id;
    }
    return $found;
  }

  /**
   * A name by which tags are told apart.
   */
  private static function folded(string $name): string {
    return mb_strtolower(mb_substr(trim($name), 0, 255));
  }

}
