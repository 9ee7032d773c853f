<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Cache\CacheTagsInvalidatorInterface;
use Drupal\Core\Database\Connection;

/**
 * Prices and stock: rows of a table of our own.
 *
 * No node is touched; only what shows these very products leaves the caches.
 */
final class Offers implements Writer {

  public const COLUMNS = ['variant', 'market', 'min_quantity', 'sku', 'amount', 'price', 'currency', 'amount_text', 'compare_at', 'compare_at_text', 'price_list', 'tax_included', 'availability', 'quantity', 'valid_until', 'position'];
  private const TEXTS = ['variant' => 190, 'market' => 64, 'sku' => 190, 'price' => 40, 'currency' => 3, 'amount_text' => 100, 'compare_at_text' => 100];
  private const NUMBERS = ['min_quantity', 'amount', 'position'];
  private const MAYBE_TEXTS = ['price_list' => 190, 'valid_until' => 40];

  private string $backend = '';

  /**
   * Cache tags of what shows something else now.
   *
   * @var string[]
   */
  private array $tags = [];

  public function __construct(
    private readonly Connection $database,
    private readonly Writes $writes,
    private readonly Stored $stored,
    private readonly CacheTagsInvalidatorInterface $invalidator,
  ) {}

  /**
   * The cache tag of whatever shows a product's offers.
   */
  public static function tag(int|string $node): string {
    return "commerce_connector_offers:$node";
  }

  /**
   * Writes a batch and answers with its receipts, in order.
   *
   * @param string $backend
   *   Backend.
   * @param object[] $items
   *   By subject key.
   *
   * @return array[]
   *   Receipts.
   */
  public function run(string $backend, array $items): array {
    $this->backend = $backend;
    $refused = [];
    foreach ($items as $key => $item) {
      $problem = self::problem($item);
      if ($problem !== '') {
        $refused[$key] = Writes::receipt($item, 'rejected', ['message' => $problem]);
      }
    }
    $proper = array_diff_key($items, $refused);
    $written = $proper ? array_combine(array_keys($proper), $this->writes->run($proper, ['offers'], $this)) : [];
    return array_values(array_replace($items, $refused, $written));
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
    $rows = [];
    foreach ($items as $key => $item) {
      foreach ($item->offers as $offer) {
        $rows[] = $this->row((string) $key, $item->id, $offer);
      }
    }
    Writes::upsert($this->database, 'commerce_connector_offers', 'offer_key', $rows);
    $stored = $this->withoutOthers($this->rows(array_keys($items)), $items);
    $pages = $this->stored->objectIds(array_keys($items));
    $receipts = [];
    foreach ($items as $key => $item) {
      $more = ['hashes' => ['offers' => self::hash($stored[$key] ?? [])], 'cms_id' => $pages[$key] ?? NULL];
      $receipts[$key] = Writes::receipt($item, 'done', $more);
    }
    $this->tags = array_map(self::tag(...), array_values($pages));
    return $receipts;
  }

  /**
   * {@inheritdoc}
   */
  public function done(): void {
    if ($this->tags) {
      $this->invalidator->invalidateTags($this->tags);
    }
    $this->tags = [];
  }

  /**
   * {@inheritdoc}
   */
  public function undone(): void {
    $this->tags = [];
  }

  /**
   * Offers as they stand.
   *
   * @return array[]
   *   Subject key to offer key to row.
   */
  public function rows(array $keys): array {
    $stored = [];
    if ($keys) {
      $columns = implode(', ', array_map(static fn (string $column): string => "[$column]", self::COLUMNS));
      $rows = $this->database->query("SELECT [subject_key], [offer_key], $columns FROM {commerce_connector_offers} WHERE [subject_key] IN (:keys[])", [':keys[]' => $keys], ['fetch' => \PDO::FETCH_ASSOC]);
      foreach ($rows as $row) {
        $stored[$row['subject_key']][$row['offer_key']] = $row;
      }
    }
    return $stored;
  }

  /**
   * The first market by name; "" where there are no offers yet.
   */
  public function firstMarket(): string {
    return (string) $this->database->query('SELECT MIN([market]) FROM {commerce_connector_offers}')->fetchField();
  }

  /**
   * The fingerprint of a product's offers together; "" where it has none.
   */
  public static function hash(array $rows): string {
    if (!$rows) {
      return '';
    }
    ksort($rows, SORT_STRING);
    $text = '';
    foreach ($rows as $row) {
      foreach (self::COLUMNS as $column) {
        $text .= $row[$column] === NULL ? "\0\n" : $row[$column] . "\n";
      }
    }
    return Keys::hash($text);
  }

  /**
   * Deletes the offers of a product.
   */
  public function delete(string $key): void {
    $this->database->delete('commerce_connector_offers')->condition('subject_key', $key)->execute();
  }

  /**
   * Deletes stored rows that the items do not have; answers what is left.
   */
  private function withoutOthers(array $stored, array $items): array {
    $gone = [];
    foreach ($items as $key => $item) {
      $gone += array_diff_key($stored[$key] ?? [], $item->row_keys);
      $stored[$key] = array_intersect_key($stored[$key] ?? [], $item->row_keys);
    }
    if ($gone) {
      $this->database->delete('commerce_connector_offers')->condition('offer_key', array_keys($gone), 'IN')->execute();
    }
    return $stored;
  }

  /**
   * One row as the table takes it.
   */
  private function row(string $key, string $product, object $offer): array {
    $row = ['offer_key' => $offer->offer_key, 'subject_key' => $key, 'backend' => $this->backend, 'product' => $product];
    foreach (self::COLUMNS as $column) {
      $row[$column] = is_bool($offer->$column) ? (int) $offer->$column : $offer->$column;
    }
    return $row;
  }

  /**
   * What is wrong with an item; "" where nothing is. Notes the keys of its rows.
   */
  private static function problem(object $item): string {
    $item->row_keys = [];
    foreach ($item->offers as $offer) {
      $problem = self::problemOfOffer($offer);
      if ($problem !== '') {
        return $problem;
      }
      $offer->offer_key = "$item->subject_key:" . Keys::row($offer->variant, $offer->market, $offer->min_quantity);
      if (isset($item->row_keys[$offer->offer_key])) {
        return "variant $offer->variant stands twice in market $offer->market from quantity $offer->min_quantity.";
      }
      $item->row_keys[$offer->offer_key] = TRUE;
    }
    return '';
  }

  /**
   * What is wrong with one offer.
   */
  private static function problemOfOffer(object $offer): string {
    $lacking = array_diff(self::COLUMNS, array_keys(get_object_vars($offer)));
    if ($lacking) {
      return 'An offer lacks ' . reset($lacking) . '.';
    }
    foreach (self::TEXTS as $column => $length) {
      if (!is_string($offer->$column) || mb_strlen($offer->$column) > $length) {
        return "$column is no text of at most $length characters.";
      }
    }
    foreach (self::MAYBE_TEXTS as $column => $length) {
      if ($offer->$column !== NULL && (!is_string($offer->$column) || mb_strlen($offer->$column) > $length)) {
        return "$column is neither null nor a text of at most $length characters.";
      }
    }
    foreach (self::NUMBERS as $column) {
      if (!is_int($offer->$column)) {
        return "$column is no whole number.";
      }
    }
    foreach (['compare_at', 'quantity'] as $column) {
      if ($offer->$column !== NULL && !is_int($offer->$column)) {
        return "$column is neither null nor a whole number.";
      }
    }
    if ($offer->min_quantity < 1 || $offer->position < 0 || !is_bool($offer->tax_included)) {
      return 'min_quantity, position or tax_included is out of range.';
    }
    return in_array($offer->availability, ['in_stock', 'out_of_stock', 'backorder'], TRUE) ? '' : 'availability is unknown.';
  }

}
