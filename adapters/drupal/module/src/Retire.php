<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Cache\CacheTagsInvalidatorInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\commerce_connector\EventSubscriber\Addresses;

/**
 * Takes products off sale and categories away.
 */
final class Retire implements Writer {

  /**
   * Retired, and it was us who unpublished it: a later write publishes it again.
   */
  public const BY_US = 1;

  /**
   * Retired while an editor had it unpublished: it stays so.
   */
  public const UNPUBLISHED_BEFORE = 2;

  /**
   * Off sale; its page stays and says so.
   */
  public const NOTICE = 3;

  /**
   * Unpublished by us; visitors are sent to the category.
   */
  public const REDIRECT = 4;

  /**
   * Unpublished by us; visitors are told that it is gone for good.
   */
  public const GONE = 5;

  /**
   * What can become of a page. Core has no trash, so nothing is deleted.
   */
  public const POLICIES = ['unpublish' => self::BY_US, 'notice' => self::NOTICE, 'redirect' => self::REDIRECT, 'gone' => self::GONE];

  /**
   * Nodes that show something else now.
   *
   * @var int[]
   */
  private array $touched = [];

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly Mapping $mapping,
    private readonly Stored $stored,
    private readonly Offers $offers,
    private readonly Pages $pages,
    private readonly CacheTagsInvalidatorInterface $invalidator,
    private readonly Moderation $moderation,
  ) {}

  /**
   * Whether it was us who unpublished a page: a later write publishes it again.
   */
  public static function wasUs(int $retired): bool {
    return in_array($retired, [self::BY_US, self::REDIRECT, self::GONE], TRUE);
  }

  /**
   * {@inheritdoc}
   *
   * Terms are locked as when they are written.
   */
  public function extraLocks(array $items): array {
    return in_array('category', array_column($items, 'kind'), TRUE) ? [Keys::subject('', 'lock', 'terms')] : [];
  }

  /**
   * {@inheritdoc}
   */
  public function apply(array $items, array $fences): array {
    $bound = $this->stored->bindings(array_keys($items));
    $products = array_filter($bound, static fn (array $row): bool => $row['kind'] === 'product');
    $nodes = $this->pages->load(array_map('intval', array_column($products, 'object_id')));
    $receipts = [];
    foreach ($items as $key => $item) {
      $more = [];
      if ($item->kind === 'product' && isset($bound[$key]) && $this->pages->isHeld($bound[$key]['object_id'])) {
        $receipts[$key] = Writes::receipt($item, 'retry', ['message' => 'An editor saves this page just now.']);
        continue;
      }
      if (isset($bound[$key])) {
        $more['cms_id'] = $item->kind === 'product' ? $this->takeOff($bound[$key], $nodes, self::POLICIES[$item->policy]) : $this->removeTerm($bound[$key]);
      }
      if ($item->kind === 'product') {
        $more['hashes'] = ['offers' => $this->removeOffers((string) $key, $item, $fences[$key]['offers'])];
      }
      $receipts[$key] = Writes::receipt($item, 'done', $more);
    }
    return $receipts;
  }

  /**
   * {@inheritdoc}
   */
  public function done(): void {
    if ($this->touched) {
      $this->invalidator->invalidateTags([...array_map(Offers::tag(...), $this->touched), ...array_map(Addresses::tag(...), $this->touched)]);
    }
    $this->pages->done($this->touched);
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
   * Does with a product's page what the policy says; answers its id.
   *
   * What an editor had unpublished stays so.
   */
  private function takeOff(array $binding, array $nodes, int $policy): ?string {
    $node = $nodes[(int) $binding['object_id']] ?? NULL;
    if (!$node) {
      return NULL;
    }
    $this->touched[] = (int) $node->id();
    $retired = (int) $binding['retired'] ?: self::UNPUBLISHED_BEFORE;
    if ($node->isPublished()) {
      $retired = $policy;
      if ($policy !== self::NOTICE) {
        foreach (array_keys($node->getTranslationLanguages()) as $langcode) {
          $this->moderation->publish($node->getTranslation($langcode), FALSE);
        }
        $node->setNewRevision(FALSE);
        $node->save();
      }
    }
    $this->mark($binding, $retired);
    return (string) $node->id();
  }

  /**
   * Removes a product's offers, unless a newer write of offers was here.
   *
   * @return string
   *   Hash of what is left.
   */
  private function removeOffers(string $key, object $item, array $fence): string {
    if (Writes::isLate($item->fence, $fence)) {
      return Offers::hash($this->offers->rows([$key])[$key] ?? []);
    }
    $this->offers->delete($key);
    $row = ['write_id' => ''] + Writes::fenceRow($key, 'offers', $item, '');
    Writes::upsert($this->database, 'commerce_connector_fences', 'fence_key', [$row]);
    return '';
  }

  /**
   * Deletes a category's term, or keeps it where something not ours uses it.
   *
   * @return string|null
   *   The term's id where it is kept.
   */
  private function removeTerm(array $binding): ?string {
    $id = (int) $binding['object_id'];
    if ($this->isUsedByOthers($id)) {
      $this->mark($binding, self::BY_US);
      return (string) $id;
    }
    $this->entityTypes->getStorage('taxonomy_term')->load($id)?->delete();
    $this->database->delete('commerce_connector_bindings')->condition('id', $binding['id'])->execute();
    return NULL;
  }

  /**
   * Whether nodes or child terms that do not come from a backend use a term.
   *
   * Links of menus count, too.
   */
  private function isUsedByOthers(int $id): bool {
    $queries = ["SELECT p.[entity_id] FROM {taxonomy_term__parent} p LEFT JOIN {commerce_connector_bindings} b ON b.[kind] = 'category' AND b.[object_id] = p.[entity_id] WHERE p.[parent_target_id] = :id AND b.[id] IS NULL"];
    if ($column = $this->mapping->column('categories')) {
      $queries[] = "SELECT f.[entity_id] FROM {{$column[0]}} f LEFT JOIN {commerce_connector_bindings} b ON b.[kind] = 'product' AND b.[object_id] = f.[entity_id] WHERE f.[$column[1]] = :id AND b.[id] IS NULL";
    }
    foreach ($queries as $query) {
      if ($this->database->queryRange($query, 0, 1, [':id' => $id])->fetchField() !== FALSE) {
        return TRUE;
      }
    }
    return $this->entityTypes->hasDefinition('menu_link_content')
      && $this->entityTypes->getStorage('menu_link_content')->getQuery()->accessCheck(FALSE)->condition('link.uri', ["entity:taxonomy_term/$id", "internal:/taxonomy/term/$id"], 'IN')->range(0, 1)->execute();
  }

  /**
   * Notes in the binding that it is retired.
   */
  private function mark(array $binding, int $retired): void {
    $this->database->update('commerce_connector_bindings')->fields(['retired' => $retired])->condition('id', $binding['id'])->execute();
  }

}
