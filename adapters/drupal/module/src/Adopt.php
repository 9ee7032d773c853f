<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Cache\CacheTagsInvalidatorInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityFieldManagerInterface;

/**
 * Nodes that were here before: found as candidates, bound where a person said so.
 *
 * Only nodes of the content type that shows products: Drupal turns no node of
 * one type into one of another.
 */
final class Adopt implements Writer {

  private const SKUS = ['field_sku', 'field_product_sku', 'sku'];

  private string $backend = '';

  /**
   * Nodes bound.
   *
   * @var int[]
   */
  private array $touched = [];

  public function __construct(
    private readonly Connection $database,
    private readonly EntityFieldManagerInterface $fields,
    private readonly Mapping $mapping,
    private readonly Stored $stored,
    private readonly Pages $pages,
    private readonly CacheTagsInvalidatorInterface $invalidator,
    private readonly TimeInterface $time,
  ) {}

  /**
   * This writer, for the pages of one backend.
   */
  public function of(string $backend): self {
    $this->backend = $backend;
    return $this;
  }

  /**
   * One keyset page of nodes that are bound to nothing.
   *
   * @return array
   *   With items and next.
   */
  public function candidates(array $types, int $after, int $limit): array {
    $bundle = $this->mapping->bundle();
    if ($types && !in_array($bundle, $types, TRUE)) {
      return ['items' => [], 'next' => NULL];
    }
    $rows = $this->database->queryRange(
      "SELECT n.[nid], n.[title] FROM {node_field_data} n LEFT JOIN {commerce_connector_bindings} b ON b.[kind] = 'product' AND b.[object_id] = n.[nid]
      WHERE b.[id] IS NULL AND n.[default_langcode] = 1 AND n.[type] = :bundle AND n.[nid] > :after ORDER BY n.[nid]",
      0, $limit, [':bundle' => $bundle, ':after' => $after],
    )->fetchAllKeyed();
    $ids = array_keys($rows);
    $stored = $this->stored->products('', $ids);
    $skus = $this->skus($ids);
    $items = [];
    foreach ($rows as $id => $title) {
      $items[] = ['cms_id' => (string) $id, 'slug' => $stored[$id]['slug'] ?? '', 'title' => $title, 'skus' => $skus[$id] ?? [], 'url' => $this->pages->url($id), 'type' => $bundle];
    }
    return ['items' => $items, 'next' => count($rows) === $limit ? (string) end($ids) : NULL];
  }

  /**
   * {@inheritdoc}
   */
  public function extraLocks(array $items): array {
    return [];
  }

  /**
   * {@inheritdoc}
   */
  public function apply(array $items, array $fences): array {
    $bound = $this->stored->objectIds(array_keys($items));
    $ids = array_map('intval', array_values(array_column($items, 'cms_id')));
    $taken = $this->database->query("SELECT [object_id], [subject_key] FROM {commerce_connector_bindings} WHERE [kind] = 'product' AND [object_id] IN (:ids[])", [':ids[]' => $ids])->fetchAllKeyed();
    $nodes = $this->database->query('SELECT [nid], [type] FROM {node} WHERE [nid] IN (:ids[])', [':ids[]' => $ids])->fetchAllKeyed();
    $receipts = [];
    $rows = [];
    foreach ($items as $key => $item) {
      $id = (int) $item->cms_id;
      $problem = $this->problem($id, $nodes[$id] ?? NULL, (int) ($bound[$key] ?? 0), $taken[$id] ?? (string) $key, (string) $key);
      if ($problem !== '') {
        $receipts[$key] = Writes::receipt($item, 'rejected', ['message' => $problem]);
        continue;
      }
      $taken[$id] = (string) $key;
      if (!isset($bound[$key])) {
        $rows[] = ['subject_key' => $key, 'backend' => $this->backend, 'kind' => 'product', 'backend_id' => $item->id, 'object_id' => $id, 'retired' => 0, 'synced_at' => $this->time->getCurrentTime(), 'hashes' => '{}', 'bases' => '{"adopted":true}'];
      }
      $this->touched[] = $id;
      $receipts[$key] = Writes::receipt($item, 'done', ['cms_id' => (string) $id, 'url' => $this->pages->url($id)]);
    }
    Writes::upsert($this->database, 'commerce_connector_bindings', 'subject_key', $rows);
    return $receipts;
  }

  /**
   * {@inheritdoc}
   */
  public function done(): void {
    if ($this->touched) {
      $this->invalidator->invalidateTags(array_map(static fn (int $id): string => "node:$id", $this->touched));
    }
    $this->touched = [];
  }

  /**
   * {@inheritdoc}
   */
  public function undone(): void {
    $this->touched = [];
  }

  /**
   * Why a page cannot be adopted; "" where it can.
   */
  private function problem(int $id, ?string $type, int $has, string $owner, string $key): string {
    return match (TRUE) {
      $type === NULL => 'There is no such page.',
      $type !== $this->mapping->bundle() => "Node $id is of content type $type; only those of {$this->mapping->bundle()} show products.",
      $has !== 0 && $has !== $id => "The product has a page already: $has.",
      $owner !== $key => 'The page shows another product already.',
      default => '',
    };
  }

  /**
   * SKUs that nodes bear in a field that is called so.
   *
   * @return array[]
   *   Node to SKUs.
   */
  private function skus(array $ids): array {
    $found = [];
    $definitions = $this->fields->getFieldStorageDefinitions('node');
    foreach ($ids ? array_intersect(self::SKUS, array_keys($definitions)) : [] as $field) {
      $table = "node__$field";
      if (!$this->database->schema()->fieldExists($table, "{$field}_value")) {
        continue;
      }
      foreach ($this->database->query("SELECT [entity_id], [{$field}_value] AS sku FROM {{$table}} WHERE [deleted] = 0 AND [entity_id] IN (:ids[]) ORDER BY [delta]", [':ids[]' => $ids]) as $row) {
        if ((string) $row->sku !== '' && !in_array((string) $row->sku, $found[(int) $row->entity_id] ?? [], TRUE)) {
          $found[(int) $row->entity_id][] = (string) $row->sku;
        }
      }
    }
    return $found;
  }

}
