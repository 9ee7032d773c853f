<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Url;
use Drupal\taxonomy\TermInterface;

/**
 * Categories of a backend as terms: made, renamed, moved.
 */
final class Terms implements Writer {

  private const FIELDS = ['name', 'description', 'parent', 'rank'];

  private string $backend = '';

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly Mapping $mapping,
    private readonly Stored $stored,
    private readonly Aliases $aliases,
    private readonly TimeInterface $time,
  ) {}

  /**
   * This writer, for the categories of one backend.
   */
  public function of(string $backend): self {
    $this->backend = $backend;
    return $this;
  }

  /**
   * The address of a term.
   */
  public static function url(int|string $id): string {
    return Url::fromRoute('entity.taxonomy_term.canonical', ['taxonomy_term' => $id], ['absolute' => TRUE])->toString();
  }

  /**
   * {@inheritdoc}
   *
   * One request at a time makes terms: core does not keep aliases unique.
   */
  public function extraLocks(array $items): array {
    return [Keys::subject('', 'lock', 'terms')];
  }

  /**
   * {@inheritdoc}
   *
   * In order, so that a parent may stand earlier in the batch.
   */
  public function apply(array $items, array $fences): array {
    $terms = $this->load($items);
    $receipts = [];
    $written = [];
    foreach ($items as $key => $item) {
      $parent = $item->parent === NULL ? NULL : $terms[Keys::subject($this->backend, 'category', $item->parent)] ?? NULL;
      $problem = mb_strlen($item->name) > 255 || trim($item->name) === '';
      if ($problem) {
        $receipts[$key] = Writes::receipt($item, 'rejected', ['message' => 'The name has no letter, or more than the 255 that Drupal takes.']);
      }
      elseif ($item->parent !== NULL && !$parent) {
        $receipts[$key] = Writes::receipt($item, 'retry', ['message' => "Parent $item->parent is not here yet."]);
      }
      else {
        $terms[$key] = $written[$key] = $this->save($item, $terms[$key] ?? NULL, $parent ? (int) $parent->id() : 0);
      }
    }
    return $receipts + $this->confirm($items, array_map(static fn (TermInterface $term): int => (int) $term->id(), $written));
  }

  /**
   * {@inheritdoc}
   */
  public function done(): void {}

  /**
   * {@inheritdoc}
   */
  public function undone(): void {
    $this->entityTypes->getStorage('taxonomy_term')->resetCache();
    $this->entityTypes->getStorage('path_alias')->resetCache();
  }

  /**
   * Terms of the items and of their parents, by subject key.
   */
  private function load(array $items): array {
    $keys = array_keys($items);
    foreach ($items as $item) {
      if ($item->parent !== NULL) {
        $keys[] = Keys::subject($this->backend, 'category', $item->parent);
      }
    }
    $ids = $this->stored->objectIds(array_values(array_unique($keys)));
    $storage = $this->entityTypes->getStorage('taxonomy_term');
    $storage->resetCache(array_values($ids));
    $terms = $ids ? $storage->loadMultiple($ids) : [];
    return array_filter(array_map(static fn (string $id) => $terms[$id] ?? NULL, $ids));
  }

  /**
   * Makes or updates one term, where anything changes.
   */
  private function save(object $item, ?TermInterface $term, int $parent): TermInterface {
    if (!$term) {
      $term = $this->entityTypes->getStorage('taxonomy_term')->create([
        'vid' => $this->mapping->setting('category_vocabulary'),
        'langcode' => $this->mapping->defaultLangcode(),
        'path' => ['alias' => $this->aliases->free($this->mapping->setting('category_path_prefix'), $item->slug)],
      ]);
    }
    $description = $item->description === '' ? NULL : ['value' => $item->description, 'format' => $term->getFormat() ?? $this->mapping->setting('text_format')];
    $same = !$term->isNew() && $term->getName() === $item->name && (string) $term->getDescription() === $item->description
      && (int) $term->getWeight() === $item->rank && (int) $term->get('parent')->target_id === $parent;
    if (!$same) {
      $term->setName($item->name)->setWeight($item->rank)->set('description', $description)->set('parent', [['target_id' => $parent]]);
      $term->save();
    }
    return $term;
  }

  /**
   * Reads back what is stored now, notes it in the bindings, and answers.
   */
  private function confirm(array $items, array $ids): array {
    $this->bind($items, $ids, []);
    $hashes = [];
    foreach ($this->stored->categories(array_values($ids)) as $id => $raw) {
      $hashes[$id] = array_map(Keys::hash(...), array_intersect_key($raw, array_flip(self::FIELDS)));
    }
    $this->bind($items, $ids, $hashes);
    $receipts = [];
    foreach ($ids as $key => $id) {
      $receipts[$key] = Writes::receipt($items[$key], 'done', ['cms_id' => (string) $id, 'url' => self::url($id), 'hashes' => $hashes[$id]]);
    }
    return $receipts;
  }

  /**
   * Writes the bindings: first without hashes, as a parent is known by its own.
   */
  private function bind(array $items, array $ids, array $hashes): void {
    $rows = [];
    foreach ($ids as $key => $id) {
      $item = $items[$key];
      $rows[] = [
        'subject_key' => $key,
        'backend' => $this->backend,
        'kind' => 'category',
        'backend_id' => $item->id,
        'object_id' => $id,
        'retired' => 0,
        'synced_at' => $this->time->getCurrentTime(),
        'hashes' => Keys::json((object) ($hashes[$id] ?? [])),
        'bases' => Keys::json(['name' => $item->name, 'description' => $item->description, 'parent' => $item->parent, 'rank' => $item->rank]),
      ];
    }
    Writes::upsert($this->database, 'commerce_connector_bindings', 'subject_key', $rows);
  }

}
