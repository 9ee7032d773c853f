<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Cache\CacheTagsInvalidatorInterface;
use Drupal\Core\Database\Connection;

/**
 * Pages of products: what of a batch is written, kept, missing or waits.
 *
 * Nodes are saved by Pages, and only where a field of theirs changes; all else
 * is written by statements over all rows.
 */
final class Content implements Writer {

  private string $backend = '';

  /**
   * Nodes written, and whether they were there before.
   *
   * @var bool[]
   */
  private array $touched = [];

  public function __construct(
    private readonly Connection $database,
    private readonly Mapping $mapping,
    private readonly Stored $stored,
    private readonly Pages $pages,
    private readonly TermLists $terms,
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
   * {@inheritdoc}
   *
   * Core does not keep aliases and names of tags unique.
   */
  public function extraLocks(array $items): array {
    $locks = [];
    foreach (array_diff_key($items, $this->stored->objectIds(array_keys($items))) as $item) {
      $locks[] = Keys::subject('', 'slug', Aliases::cleaned($item->slug));
    }
    if ($this->terms->unknownTags($this->all($items, 'tags'))) {
      $locks[] = Keys::subject('', 'lock', 'terms');
    }
    return array_values(array_unique($locks));
  }

  /**
   * {@inheritdoc}
   */
  public function apply(array $items, array $fences): array {
    $bound = $this->stored->bindings(array_keys($items));
    $stored = $this->stored->products($this->backend, array_column($bound, 'object_id'));
    $this->terms->load($this->backend, $this->all($items, 'categories'), $this->all($items, 'tags'));
    $receipts = [];
    $pages = [];
    foreach ($items as $key => $item) {
      $page = $this->page($item, $bound[$key] ?? NULL, $stored);
      $answer = $this->refusal($item, $page);
      if ($answer) {
        $receipts[$key] = $answer;
      }
      else {
        $pages[$key] = $page;
      }
    }
    $waiting = $this->pages->save($items, $pages, $this->terms);
    foreach ($waiting as $key) {
      $receipts[$key] = Writes::receipt($items[$key], 'retry', ['message' => 'An editor saves this page just now.']);
      unset($pages[$key]);
    }
    $this->saveValues($pages);
    return $receipts + $this->confirm($items, $pages, $bound, $fences);
  }

  /**
   * {@inheritdoc}
   */
  public function done(): void {
    // No cache knows a page that was made just now.
    $known = array_keys(array_filter($this->touched));
    if ($known) {
      $this->invalidator->invalidateTags(array_map(static fn (int $id): string => "node:$id", $known));
    }
    $this->pages->done(array_keys($this->touched));
    $this->touched = [];
  }

  /**
   * {@inheritdoc}
   */
  public function undone(): void {
    $this->touched = [];
    $this->pages->undone();
  }

  /**
   * What is to be done for one item: the present page, what is written or kept.
   *
   * @return array
   *   With id, have, write, kept, back, binding.
   */
  private function page(object $item, ?array $binding, array $stored): array {
    $id = $binding ? (int) $binding['object_id'] : 0;
    $have = $stored[$id] ?? NULL;
    $page = [
      'id' => $have ? $id : 0,
      'have' => $have,
      'write' => get_object_vars($item->fields),
      'kept' => [],
      'back' => $have && Retire::wasUs((int) $binding['retired']) && !$have['published'],
    ];
    $last = $have ? (array) json_decode((string) $binding['hashes'], TRUE) : [];
    foreach ($have ? get_object_vars($item->expected) : [] as $field => $hash) {
      if (!array_key_exists($field, $page['write']) || ($field === 'slug' && !isset($last['slug']) && self::hasFirstSlug($binding, $have))) {
        continue;
      }
      $now = Keys::hash($this->stored->raw($have, (string) $field));
      if ($now !== $hash && $now !== ($last[$field] ?? NULL)) {
        $page['kept'][] = (string) $field;
        unset($page['write'][$field]);
      }
    }
    foreach (array_keys(array_intersect_key($page['write'], get_object_vars($item->joined))) as $field) {
      if ($have && $this->pages->wouldTouch($have, (string) $field, $page['write'][$field])) {
        $page['kept'][] = (string) $field;
        unset($page['write'][$field]);
      }
    }
    return $page;
  }

  /**
   * Whether a page still has the address that it was made with.
   */
  private static function hasFirstSlug(array $binding, array $have): bool {
    $bases = json_decode((string) $binding['bases']);
    return isset($bases->slug) && Aliases::cleaned($bases->slug) === $have['slug'];
  }

  /**
   * The answer to an item that is not written now; NULL where it is.
   */
  private function refusal(object $item, array $page): ?array {
    $problem = $this->problem($item);
    if ($problem !== '') {
      return Writes::receipt($item, 'rejected', ['message' => $problem]);
    }
    if (!$page['have'] && !$item->whole) {
      return Writes::receipt($item, 'missing', ['message' => 'There is no such page; send the whole of it.']);
    }
    $missing = $this->terms->missing(self::strings($page['write'], 'categories'));
    return $missing ? Writes::receipt($item, 'retry', ['message' => 'Categories are not here yet: ' . implode(', ', $missing) . '.']) : NULL;
  }

  /**
   * Writes the fields that stand beside the nodes, where they differ.
   */
  private function saveValues(array $pages): void {
    $rows = [];
    $gone = [];
    foreach ($pages as $key => $page) {
      foreach ($page['write'] as $field => $value) {
        if ($value === NULL && $this->isBeside((string) $field)) {
          $gone[] = "$key:$field";
          continue;
        }
        $json = $this->isBeside((string) $field) ? Keys::json($value) : NULL;
        if ($json !== NULL && $json !== ($page['have']['values'][$field] ?? NULL)) {
          $rows[] = ['value_key' => "$key:$field", 'subject_key' => $key, 'field' => $field, 'value' => $json];
        }
      }
    }
    Writes::upsert($this->database, 'commerce_connector_values', 'value_key', $rows);
    if ($gone) {
      $this->database->delete('commerce_connector_values')->condition('value_key', $gone, 'IN')->execute();
    }
  }

  /**
   * Whether a field is kept beside the node.
   */
  private function isBeside(string $field): bool {
    return !$this->mapping->text($field) && !in_array($field, ['categories', 'tags', 'slug'], TRUE);
  }

  /**
   * Reads back what is stored now, notes it in the bindings, and answers.
   */
  private function confirm(array $items, array $pages, array $bound, array $fences): array {
    $this->bind($items, $pages, $bound, []);
    $stored = $this->stored->products($this->backend, array_column($pages, 'id'));
    $hashes = [];
    $receipts = [];
    foreach ($pages as $key => $page) {
      $hashes[$key] = $this->stored->hashes($stored[$page['id']], array_keys($page['write']));
      $receipts[$key] = Writes::receipt($items[$key], 'done', [
        'cms_id' => (string) $page['id'],
        'url' => $this->pages->url($page['id']),
        'hashes' => $hashes[$key],
        'kept' => $page['kept'],
      ] + $this->replaced($items[$key], $page, $fences[$key]['content']));
      $this->touched[$page['id']] = (bool) $page['have'];
    }
    $this->bind($items, $pages, $bound, $hashes);
    return $receipts;
  }

  /**
   * What a write replaced, so that it can be undone.
   *
   * Where the answer to the write before never reached the daemon, what that
   * one replaced.
   *
   * @return array
   *   With made and before.
   */
  private function replaced(object $item, array $page, array $last): array {
    $made = !$page['have'];
    $before = [];
    foreach ($made ? [] : array_keys($page['write']) as $field) {
      $raw = $this->stored->raw($page['have'], (string) $field);
      $before[$field] = ['value' => $this->stored->value((string) $field, $raw), 'hash' => Keys::hash($raw)];
    }
    if ((string) $last['receipt'] !== '' && $item->seen !== NULL && $item->seen !== "{$last['epoch']}.{$last['sequence']}") {
      $unseen = json_decode($last['receipt']);
      $made = $made || !empty($unseen->made);
      $before = (isset($unseen->before) ? get_object_vars($unseen->before) : []) + $before;
    }
    return ['made' => $made, 'before' => $made ? NULL : (object) $before];
  }

  /**
   * Writes the bindings: first without hashes, because values need them.
   */
  private function bind(array $items, array $pages, array $bound, array $hashes): void {
    $rows = [];
    foreach ($pages as $key => $page) {
      $was = $page['have'] ? $bound[$key] : ['hashes' => '{}', 'bases' => '{}'];
      if (!$hashes && $page['have']) {
        continue;
      }
      // Where an editor's words are in a field, nothing is noted as ours.
      $joined = array_intersect_key(get_object_vars($items[$key]->joined), $page['write']);
      $rows[] = [
        'subject_key' => $key,
        'backend' => $this->backend,
        'kind' => 'product',
        'backend_id' => $items[$key]->id,
        'object_id' => $page['id'],
        'retired' => 0,
        'synced_at' => $this->time->getCurrentTime(),
        'hashes' => Keys::merged((string) $was['hashes'], $hashes ? array_fill_keys(array_keys($joined), '') + $hashes[$key] : []),
        'bases' => Keys::merged((string) $was['bases'], $joined + $page['write'] + ($page['have'] ? [] : ['slug' => $items[$key]->slug])),
      ];
    }
    Writes::upsert($this->database, 'commerce_connector_bindings', 'subject_key', $rows);
  }

  /**
   * What is wrong with an item; "" where nothing is.
   */
  private function problem(object $item): string {
    foreach (get_object_vars($item->fields) as $field => $value) {
      $field = (string) $field;
      if (!preg_match('/^[a-z][a-z0-9_]{0,60}(@[A-Za-z0-9-]{2,35})?\z/', $field)) {
        return 'A field has no proper name.';
      }
      $name = (string) strtok($field, '@');
      if (in_array($name, [...Mapping::TEXTS, 'slug'], TRUE) && !is_string($value)) {
        return "$field is no text.";
      }
      if ($name === 'title' && (trim($value) === '' || mb_strlen($value) > 255)) {
        return "$field has no letter, or more than the 255 that Drupal takes: shorten it at the backend.";
      }
      if (in_array($field, ['categories', 'tags'], TRUE) && (!is_array($value) || array_filter($value, 'is_string') !== $value)) {
        return "$field is no list of texts.";
      }
    }
    return '';
  }

  /**
   * The texts of a list, or none.
   *
   * @return string[]
   *   Texts.
   */
  public static function strings(array $fields, string $name): array {
    return is_array($fields[$name] ?? NULL) ? array_filter($fields[$name], 'is_string') : [];
  }

  /**
   * The texts of a list, over all items, each once.
   */
  private function all(array $items, string $name): array {
    $seen = [];
    foreach ($items as $item) {
      foreach (self::strings(get_object_vars($item->fields), $name) as $one) {
        $seen["x$one"] = $one;
      }
    }
    return array_values($seen);
  }

}
