<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;

/**
 * What stands in the database right now, field by field, and its hashes.
 *
 * Reads past entity caches, so that receipts, comparisons and the inventory
 * speak of the same bytes.
 */
final class Stored {

  private const ROWS = ['fetch' => \PDO::FETCH_ASSOC];

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly Mapping $mapping,
  ) {}

  /**
   * Bindings of subjects.
   *
   * @return array[]
   *   Subject key to row.
   */
  public function bindings(array $keys): array {
    if (!$keys) {
      return [];
    }
    $rows = $this->database->query('SELECT * FROM {commerce_connector_bindings} WHERE [subject_key] IN (:keys[])', [':keys[]' => array_values($keys)], self::ROWS);
    return array_column($rows->fetchAll(), NULL, 'subject_key');
  }

  /**
   * Nodes or terms of subjects, without what else bindings hold.
   *
   * @return string[]
   *   Subject key to id.
   */
  public function objectIds(array $keys): array {
    return $keys ? array_map('strval', $this->database->query('SELECT [subject_key], [object_id] FROM {commerce_connector_bindings} WHERE [subject_key] IN (:keys[])', [':keys[]' => array_values($keys)])->fetchAllKeyed()) : [];
  }

  /**
   * Bindings of a node or term.
   *
   * @return array[]
   *   Rows.
   */
  public function bindingsOf(string $kind, int|string $object): array {
    return $this->database->query('SELECT * FROM {commerce_connector_bindings} WHERE [kind] = :kind AND [object_id] = :id', [':kind' => $kind, ':id' => $object], self::ROWS)->fetchAll();
  }

  /**
   * Products with all that is stored of them.
   *
   * @param string $backend
   *   Whose categories and values count.
   * @param array $ids
   *   Nodes.
   *
   * @return array[]
   *   Node id to revision, published, langcode, texts (langcode to name to
   *   text), lists (field to raw JSON), references (field to ids) and values
   *   (field to raw JSON). Nodes that are not there are missing.
   */
  public function products(string $backend, array $ids): array {
    $ids = array_values(array_filter(array_map('intval', $ids)));
    if (!$ids) {
      return [];
    }
    $stored = [];
    $rows = $this->database->query('SELECT [nid], [vid], [langcode], [title], [status], [default_langcode] FROM {node_field_data} WHERE [nid] IN (:ids[])', [':ids[]' => $ids], self::ROWS);
    foreach ($rows as $row) {
      $node = &$stored[(int) $row['nid']];
      $node ??= ['revision' => (int) $row['vid'], 'published' => FALSE, 'langcode' => '', 'slug' => '', 'texts' => [], 'formats' => [], 'lists' => ['categories' => '[]', 'tags' => '[]'], 'references' => ['categories' => [], 'tags' => [], 'media' => []], 'values' => []];
      $node['texts'][$row['langcode']] = ['title' => $row['title'], 'subtitle' => '', 'description' => ''];
      if ((int) $row['default_langcode']) {
        $node['langcode'] = $row['langcode'];
        $node['published'] = (bool) (int) $row['status'];
      }
      unset($node);
    }
    $this->addSlugs($stored, $ids);
    $this->addTexts($stored, $ids);
    $this->addTerms($stored, $backend, $ids);
    $this->addMedia($stored, $ids);
    $this->addValues($stored, $backend, $ids);
    return $stored;
  }

  /**
   * The raw stored value of a field; NULL where there is none.
   *
   * @param array|null $product
   *   As products() gives.
   * @param string $field
   *   Like title or title@fr-FR.
   */
  public function raw(?array $product, string $field): ?string {
    if (!$product) {
      return NULL;
    }
    $text = $this->mapping->text($field);
    if ($text) {
      return $product['texts'][$text[1] === '' ? $product['langcode'] : $text[1]][$text[0]] ?? NULL;
    }
    return $field === 'slug' ? $product['slug'] : $product['lists'][$field] ?? $product['values'][$field] ?? NULL;
  }

  /**
   * The text format in which a text of the node is stored; NULL where it has none.
   */
  public function format(array $product, string $field): ?string {
    $text = $this->mapping->text($field);
    return $text ? $product['formats'][$text[1] === '' ? $product['langcode'] : $text[1]][$text[0]] ?? NULL : NULL;
  }

  /**
   * A raw value of a product as JSON says it.
   */
  public function value(string $field, ?string $raw): mixed {
    return $raw === NULL || $field === 'slug' || $this->mapping->text($field) ? $raw : json_decode($raw);
  }

  /**
   * The fingerprints of some fields of a product.
   *
   * @return string[]
   *   Field to hash.
   */
  public function hashes(array $product, array $fields): array {
    $hashes = [];
    foreach ($fields as $field) {
      $hashes[$field] = Keys::hash($this->raw($product, (string) $field));
    }
    return $hashes;
  }

  /**
   * The slug of a node is what its newest alias has after our own begin.
   */
  private function addSlugs(array &$stored, array $ids): void {
    $prefix = rtrim('/' . trim($this->mapping->setting('path_prefix'), '/'), '/') . '/';
    $paths = array_map(static fn (int $id): string => "/node/$id", $ids);
    $rows = $this->database->query('SELECT [path], [alias] FROM {path_alias} WHERE [status] = 1 AND [path] IN (:paths[]) ORDER BY [id]', [':paths[]' => $paths], self::ROWS);
    foreach ($rows as $row) {
      $id = (int) substr($row['path'], 6);
      if (isset($stored[$id])) {
        $stored[$id]['slug'] = str_starts_with($row['alias'], $prefix) ? substr($row['alias'], strlen($prefix)) : ltrim($row['alias'], '/');
      }
    }
  }

  /**
   * Texts that are fields of the node.
   */
  private function addTexts(array &$stored, array $ids): void {
    foreach (['subtitle', 'description'] as $name) {
      if (!$column = $this->mapping->column($name)) {
        continue;
      }
      $format = str_ends_with($column[1], '_value') && $this->database->schema()->fieldExists($column[0], substr($column[1], 0, -5) . 'format') ? '[' . substr($column[1], 0, -5) . 'format]' : 'NULL';
      $rows = $this->database->query("SELECT [entity_id], [langcode], [$column[1]] AS value, $format AS format FROM {{$column[0]}} WHERE [deleted] = 0 AND [delta] = 0 AND [entity_id] IN (:ids[])", [':ids[]' => $ids], self::ROWS);
      foreach ($rows as $row) {
        if (isset($stored[(int) $row['entity_id']]['texts'][$row['langcode']])) {
          $stored[(int) $row['entity_id']]['texts'][$row['langcode']][$name] = (string) $row['value'];
          $stored[(int) $row['entity_id']]['formats'][$row['langcode']][$name] = $row['format'];
        }
      }
    }
  }

  /**
   * Categories (the backend's ids of bound terms) and tags (names), sorted.
   */
  private function addTerms(array &$stored, string $backend, array $ids): void {
    $shown = [];
    foreach (['categories', 'tags'] as $name) {
      if (!$column = $this->mapping->column($name)) {
        continue;
      }
      $rows = $this->database->query(
        "SELECT f.[entity_id], f.[$column[1]] AS target, t.[name], b.[backend], b.[backend_id] FROM {{$column[0]}} f
        INNER JOIN {taxonomy_term_field_data} t ON t.[tid] = f.[$column[1]] AND t.[default_langcode] = 1
        INNER JOIN {node_field_data} n ON n.[nid] = f.[entity_id] AND n.[langcode] = f.[langcode] AND n.[default_langcode] = 1
        LEFT JOIN {commerce_connector_bindings} b ON b.[kind] = 'category' AND b.[object_id] = t.[tid]
        WHERE f.[deleted] = 0 AND f.[entity_id] IN (:ids[]) ORDER BY f.[delta]",
        [':ids[]' => $ids], self::ROWS,
      );
      foreach ($rows as $row) {
        $id = (int) $row['entity_id'];
        if (!isset($stored[$id])) {
          continue;
        }
        $stored[$id]['references'][$name][(int) $row['target']] = $row['backend'] !== NULL;
        if ($name === 'tags') {
          $shown[$id]['tags'][(int) $row['target']] = $row['name'];
        }
        elseif ($row['backend'] === $backend) {
          $shown[$id]['categories'][] = $row['backend_id'];
        }
      }
    }
    foreach ($shown as $id => $lists) {
      foreach ($lists as $name => $texts) {
        $texts = array_values($texts);
        sort($texts, SORT_STRING);
        $stored[$id]['lists'][$name] = Keys::json($texts);
      }
    }
  }

  /**
   * Pictures to which the node refers.
   */
  private function addMedia(array &$stored, array $ids): void {
    if (!$column = $this->mapping->column('media')) {
      return;
    }
    $rows = $this->database->query("SELECT f.[entity_id], f.[$column[1]] AS target FROM {{$column[0]}} f INNER JOIN {node_field_data} n ON n.[nid] = f.[entity_id] AND n.[langcode] = f.[langcode] AND n.[default_langcode] = 1 WHERE f.[deleted] = 0 AND f.[entity_id] IN (:ids[]) ORDER BY f.[delta]", [':ids[]' => $ids], self::ROWS);
    foreach ($rows as $row) {
      if (isset($stored[(int) $row['entity_id']])) {
        $stored[(int) $row['entity_id']]['references']['media'][] = (int) $row['target'];
      }
    }
  }

  /**
   * Fields that are kept beside the node.
   */
  private function addValues(array &$stored, string $backend, array $ids): void {
    $rows = $this->database->query(
      "SELECT b.[object_id], v.[field], v.[value] FROM {commerce_connector_bindings} b
      INNER JOIN {commerce_connector_values} v ON v.[subject_key] = b.[subject_key]
      WHERE b.[kind] = 'product' AND b.[backend] = :backend AND b.[object_id] IN (:ids[])",
      [':backend' => $backend, ':ids[]' => $ids], self::ROWS,
    );
    foreach ($rows as $row) {
      if (isset($stored[(int) $row['object_id']])) {
        $stored[(int) $row['object_id']]['values'][$row['field']] = (string) $row['value'];
      }
    }
  }

  /**
   * Terms with all field values.
   *
   * @return array[]
   *   Term id to field to raw value.
   */
  public function categories(array $ids): array {
    $ids = array_values(array_filter(array_map('intval', $ids)));
    if (!$ids) {
      return [];
    }
    $rows = $this->database->query(
      "SELECT t.[tid], t.[name], t.[description__value], t.[weight], p.[parent_target_id], b.[backend_id] FROM {taxonomy_term_field_data} t
      LEFT JOIN {taxonomy_term__parent} p ON p.[entity_id] = t.[tid] AND p.[delta] = 0
      LEFT JOIN {commerce_connector_bindings} b ON b.[kind] = 'category' AND b.[object_id] = p.[parent_target_id] AND p.[parent_target_id] > 0
      WHERE t.[default_langcode] = 1 AND t.[tid] IN (:ids[])",
      [':ids[]' => $ids], self::ROWS,
    );
    $stored = [];
    foreach ($rows as $row) {
      $parent = (int) $row['parent_target_id'];
      $stored[(int) $row['tid']] = [
        'name' => $row['name'],
        'description' => (string) $row['description__value'],
        'parent' => $parent ? ($row['backend_id'] ?? "#$parent") : '',
        'rank' => (string) $row['weight'],
      ];
    }
    return $stored;
  }

}
