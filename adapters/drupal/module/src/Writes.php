<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;
use Drupal\commerce_connector\Exception\Busy;
use Drupal\commerce_connector\Exception\ItemFailed;

/**
 * The frame of every write: locks, fences, one transaction, receipts.
 *
 * Locks are the rows of the fences table, taken in sorted order by the first
 * statement of the transaction, before any entity is loaded (on SQLite that
 * statement holds the whole database). What stands in these rows afterwards
 * decides: an older fence is refused, a repeated write gets its receipt again.
 */
final class Writes {

  private const ATTEMPTS = 6;
  private const LOCK = 'lock';

  /**
   * Whether a write is under way, so that hooks tell ours from people's.
   */
  public static bool $writing = FALSE;

  public function __construct(private readonly Connection $database) {}

  /**
   * Writes a batch and answers with its receipts, in order.
   *
   * @param object[] $items
   *   By subject key; each with kind, id, fence and write_id.
   * @param string[] $lanes
   *   Lanes to lock; the first one's fence judges.
   * @param \Drupal\commerce_connector\Writer $writer
   *   What does it.
   *
   * @return array[]
   *   Receipts.
   */
  public function run(array $items, array $lanes, Writer $writer): array {
    $failed = [];
    $receipts = [];
    while (count($items) > count($failed)) {
      try {
        $left = array_diff_key($items, $failed);
        $receipts = $this->transaction(fn (): array => $this->attempt($left, $lanes, $writer), $writer->undone(...));
        $writer->done();
        break;
      }
      catch (ItemFailed $failure) {
        $failed[$failure->key] = self::receipt($items[$failure->key], 'rejected', ['message' => $failure->getMessage()]);
      }
    }
    return array_map(static fn ($key): array => $failed[$key] ?? $receipts[$key], array_keys($items));
  }

  /**
   * Carries out one transaction, again where others were in the way.
   *
   * @throws \Drupal\commerce_connector\Exception\Busy
   *   When the database stays locked.
   */
  public function transaction(callable $attempt, callable $undone): mixed {
    self::$writing = TRUE;
    try {
      for ($attempts = 1; TRUE; $attempts++) {
        $transaction = $this->database->startTransaction();
        try {
          $result = $attempt();
          unset($transaction);
          return $result;
        }
        catch (\Throwable $error) {
          $this->rollBack($transaction ?? NULL);
          $undone();
          if ($error instanceof ItemFailed || !Busy::is($error)) {
            throw $error;
          }
          if ($attempts >= self::ATTEMPTS) {
            throw new Busy('The database stays locked.', 0, $error);
          }
        }
        usleep(random_int(5, 60) * 1000 * $attempts);
      }
    }
    finally {
      self::$writing = FALSE;
    }
  }

  /**
   * Undoes a transaction; a deadlock's is undone already.
   */
  private function rollBack(?object $transaction): void {
    try {
      $transaction?->rollBack();
    }
    catch (\Exception) {
      // The failure that led here is told, not this one.
    }
  }

  /**
   * One transaction.
   *
   * @return array[]
   *   Receipts by subject key.
   */
  private function attempt(array $items, array $lanes, Writer $writer): array {
    $extra = $writer->extraLocks($items);
    $this->lock(array_keys($items), $lanes, $extra);
    $fences = $this->fences(array_keys($items), $lanes);
    $receipts = [];
    $accepted = [];
    foreach ($items as $key => $item) {
      $answer = self::judge($item, $fences[$key][$lanes[0]]);
      if ($answer) {
        $receipts[$key] = $answer;
      }
      else {
        $accepted[$key] = $item;
      }
    }
    if ($accepted) {
      $made = $writer->apply($accepted, $fences);
      $this->store($accepted, $made, $lanes[0]);
      $receipts += $made;
    }
    if ($extra) {
      $this->database->delete('commerce_connector_fences')
        ->condition('fence_key', array_map(static fn (string $key): string => self::LOCK . ":$key", $extra), 'IN')
        ->execute();
    }
    return $receipts;
  }

  /**
   * Takes the locks. New rows begin with a fence older than any.
   */
  public function lock(array $keys, array $lanes, array $extra = []): void {
    $rows = [];
    foreach ($keys as $key) {
      foreach ($lanes as $lane) {
        $rows["$lane:$key"] = ['fence_key' => "$lane:$key", 'lane' => $lane];
      }
    }
    foreach ($extra as $key) {
      $rows[self::LOCK . ":$key"] = ['fence_key' => self::LOCK . ":$key", 'lane' => self::LOCK];
    }
    ksort($rows, SORT_STRING);
    self::upsert($this->database, 'commerce_connector_fences', 'fence_key', array_values($rows));
  }

  /**
   * The fences of subjects.
   *
   * @return array[]
   *   Subject key to lane to row.
   */
  public function fences(array $keys, array $lanes): array {
    $names = [];
    foreach ($keys as $key) {
      foreach ($lanes as $lane) {
        $names[] = "$lane:$key";
      }
    }
    $fences = [];
    $rows = $this->database->query('SELECT fence_key, lane, epoch, sequence, write_id, receipt FROM {commerce_connector_fences} WHERE fence_key IN (:keys[])', [':keys[]' => $names], ['fetch' => \PDO::FETCH_ASSOC]);
    foreach ($rows as $row) {
      $fences[substr($row['fence_key'], strlen($row['lane']) + 1)][$row['lane']] = $row;
    }
    return $fences;
  }

  /**
   * The highest fence that this site has seen.
   *
   * @return int[]
   *   With epoch and sequence.
   */
  public function highest(): array {
    $row = $this->database->queryRange('SELECT [epoch], [sequence] FROM {commerce_connector_fences} WHERE [epoch] >= 0 ORDER BY [epoch] DESC, [sequence] DESC', 0, 1)->fetchAssoc();
    return ['epoch' => (int) ($row['epoch'] ?? 0), 'sequence' => (int) ($row['sequence'] ?? 0)];
  }

  /**
   * Whether a fence is older than what a row holds.
   */
  public static function isLate(object $fence, array $known): bool {
    return [$fence->epoch, $fence->sequence] < [(int) $known['epoch'], (int) $known['sequence']];
  }

  /**
   * The answer to a late or repeated write; NULL where it is to be written.
   */
  private static function judge(object $item, array $known): ?array {
    if (self::isLate($item->fence, $known)) {
      return self::stale($item, $known);
    }
    $same = [$item->fence->epoch, $item->fence->sequence] === [(int) $known['epoch'], (int) $known['sequence']];
    if (!$same || $item->write_id !== $known['write_id']) {
      return NULL;
    }
    return get_object_vars(json_decode((string) $known['receipt']));
  }

  /**
   * The answer to a late write.
   */
  public static function stale(object $item, array $known): array {
    return self::receipt($item, 'stale', ['message' => "A newer write ({$known['epoch']}.{$known['sequence']}) was here."]);
  }

  /**
   * Remembers fences and receipts of what was done.
   */
  private function store(array $items, array $receipts, string $lane): void {
    $rows = [];
    foreach ($items as $key => $item) {
      if ($receipts[$key]['outcome'] === 'done') {
        $rows[] = self::fenceRow($key, $lane, $item, Keys::json($receipts[$key]));
      }
    }
    self::upsert($this->database, 'commerce_connector_fences', 'fence_key', $rows);
  }

  /**
   * A row of the fences table.
   */
  public static function fenceRow(string $key, string $lane, object $item, string $receipt): array {
    return [
      'fence_key' => "$lane:$key",
      'lane' => $lane,
      'epoch' => $item->fence->epoch,
      'sequence' => $item->fence->sequence,
      'write_id' => $item->write_id,
      'receipt' => $receipt,
    ];
  }

  /**
   * Inserts rows, or updates those whose key is there, some hundred at a time.
   *
   * @param \Drupal\Core\Database\Connection $database
   *   Database.
   * @param string $table
   *   Table.
   * @param string $key
   *   Its unique column.
   * @param array[] $rows
   *   All with the same columns.
   */
  public static function upsert(Connection $database, string $table, string $key, array $rows): void {
    foreach (array_chunk($rows, 500) as $some) {
      $upsert = $database->upsert($table)->fields(array_keys($some[0]))->key($key);
      foreach ($some as $row) {
        $upsert->values(array_values($row));
      }
      $upsert->execute();
    }
  }

  /**
   * What the site answers to one item.
   *
   * @param object $item
   *   Item.
   * @param string $outcome
   *   One of done, stale, rejected, missing and retry.
   * @param array $more
   *   Of cms_id, url, hashes, kept, message, made, before.
   */
  public static function receipt(object $item, string $outcome, array $more = []): array {
    $receipt = ['kind' => $item->kind, 'id' => $item->id, 'outcome' => $outcome] + $more
      + ['cms_id' => NULL, 'url' => NULL, 'hashes' => [], 'kept' => [], 'message' => ''];
    $receipt['hashes'] = (object) $receipt['hashes'];
    return $receipt;
  }

}
