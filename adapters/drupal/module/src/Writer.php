<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

/**
 * What writes the items of a batch within the frame of Writes.
 */
interface Writer {

  /**
   * Keys of further locks that the items need, told before the transaction.
   *
   * @param object[] $items
   *   By subject key.
   *
   * @return string[]
   *   Keys.
   */
  public function extraLocks(array $items): array;

  /**
   * Writes what can be written, and answers for each item.
   *
   * @param object[] $items
   *   By subject key.
   * @param array[] $fences
   *   Fences of the subjects: subject key to lane to row.
   *
   * @return array[]
   *   Receipts by subject key.
   */
  public function apply(array $items, array $fences): array;

  /**
   * After the commit: caches of what was written go.
   */
  public function done(): void;

  /**
   * After a rollback: what caches took from within the transaction goes.
   */
  public function undone(): void;

}
