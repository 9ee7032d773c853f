<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;
use Drupal\Core\Url;

/**
 * What the site holds: ids and hashes by page, and stored values with bases.
 */
final class Inventory {

  public function __construct(
    private readonly Connection $database,
    private readonly Stored $stored,
    private readonly Offers $offers,
  ) {}

  /**
   * One keyset page of everything bound to a backend.
   *
   * @return array
   *   With items and next.
   */
  public function page(string $backend, string $kind, int $after, int $limit): array {
    $rows = $this->database->queryRange(
      'SELECT [id], [subject_key], [backend_id], [object_id], [retired], [hashes] FROM {commerce_connector_bindings} WHERE [backend] = :backend AND [kind] = :kind AND [id] > :after ORDER BY [id]',
      0, $limit, [':backend' => $backend, ':kind' => $kind, ':after' => $after], ['fetch' => \PDO::FETCH_ASSOC],
    )->fetchAll();
    $items = $kind === 'product' ? $this->products($backend, $rows) : $this->categories($rows);
    $last = end($rows);
    return ['items' => $items, 'next' => count($rows) === $limit ? (string) $last['id'] : NULL];
  }

  /**
   * Stored values and bases of subjects.
   *
   * @return array[]
   *   Documents.
   */
  public function documents(string $backend, string $kind, array $ids): array {
    $bound = $this->stored->bindings(array_map(static fn (string $id): string => Keys::subject($backend, $kind, $id), $ids));
    $objects = array_column($bound, 'object_id');
    $stored = $kind === 'product' ? $this->stored->products($backend, $objects) : $this->stored->categories($objects);
    $documents = [];
    foreach ($bound as $row) {
      $have = $stored[(int) $row['object_id']] ?? NULL;
      if (!$have) {
        continue;
      }
      $values = [];
      $hashes = [];
      foreach (self::fields($row) as $field) {
        $raw = $kind === 'product' ? $this->stored->raw($have, $field) : $have[$field] ?? NULL;
        $hashes[$field] = Keys::hash($raw);
        $values[$field] = $kind === 'product' ? $this->stored->value($field, $raw) : self::value($field, $raw);
      }
      $documents[] = [
        'kind' => $kind,
        'id' => $row['backend_id'],
        'cms_id' => (string) $row['object_id'],
        'values' => (object) $values,
        'hashes' => (object) $hashes,
        'bases' => (object) array_intersect_key((array) json_decode((string) $row['bases']), $hashes),
        'noted' => (object) json_decode((string) $row['hashes'], TRUE),
        'note' => (object) json_decode((string) $row['status'], TRUE),
        'live' => (bool) ($have['published'] ?? TRUE),
      ];
    }
    return $documents;
  }

  /**
   * Products of a page.
   */
  private function products(string $backend, array $rows): array {
    $stored = $this->stored->products($backend, array_column($rows, 'object_id'));
    $offers = $this->offers->rows(array_column($rows, 'subject_key'));
    $items = [];
    foreach ($rows as $row) {
      $have = $stored[(int) $row['object_id']] ?? NULL;
      if ($have) {
        $hashes = $this->stored->hashes($have, self::fields($row));
        $hashes['offers'] = Offers::hash($offers[$row['subject_key']] ?? []);
        $url = Url::fromRoute('entity.node.canonical', ['node' => $row['object_id']], ['absolute' => TRUE])->toString();
        $items[] = self::held('product', $row, $have['published'], $hashes, $url);
      }
    }
    return $items;
  }

  /**
   * Categories of a page.
   */
  private function categories(array $rows): array {
    $stored = $this->stored->categories(array_column($rows, 'object_id'));
    $items = [];
    foreach ($rows as $row) {
      $have = $stored[(int) $row['object_id']] ?? NULL;
      if ($have) {
        $hashes = [];
        foreach (self::fields($row) as $field) {
          $hashes[$field] = Keys::hash($have[$field] ?? NULL);
        }
        $items[] = self::held('category', $row, !(int) $row['retired'], $hashes, Terms::url($row['object_id']));
      }
    }
    return $items;
  }

  /**
   * One thing held.
   */
  private static function held(string $kind, array $row, bool $live, array $hashes, ?string $url): array {
    return [
      'kind' => $kind,
      'id' => $row['backend_id'],
      'cms_id' => (string) $row['object_id'],
      'live' => $live,
      'retired' => (bool) (int) $row['retired'],
      'hashes' => (object) $hashes,
      'url' => $url,
    ];
  }

  /**
   * The fields that were ever written of a subject.
   *
   * @return string[]
   *   Names.
   */
  private static function fields(array $row): array {
    return array_map('strval', array_keys((array) json_decode((string) $row['hashes'], TRUE)));
  }

  /**
   * A raw value of a category as JSON says it.
   */
  private static function value(string $field, ?string $raw): int|string|null {
    return match (TRUE) {
      $raw === NULL => NULL,
      $field === 'rank' => (int) $raw,
      $field === 'parent' && $raw === '' => NULL,
      default => $raw,
    };
  }

}
