<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Utility\Html;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Lock\LockBackendInterface;
use Drupal\Core\Url;
use Drupal\commerce_connector\Exception\Busy;
use Drupal\commerce_connector\Exception\ItemFailed;
use Drupal\node\NodeInterface;

/**
 * Nodes of products: made and changed through the entity API.
 *
 * So that hooks of other modules fire, but only where a field of the node
 * changes; a new revision only where words do. Nodes are loaded past every
 * cache, after the locks are held.
 */
final class Pages {

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly Mapping $mapping,
    private readonly Stored $stored,
    private readonly Aliases $aliases,
    private readonly Role $role,
    private readonly LockBackendInterface $lock,
    private readonly TimeInterface $time,
    private readonly Moderation $moderation,
  ) {}

  /**
   * The lock that an editor's request holds while it saves a node.
   */
  public static function lockName(int|string $node): string {
    return "commerce_connector:node:$node";
  }

  /**
   * Whether an editor saves a node just now.
   */
  public function isHeld(int|string $node): bool {
    return !$this->lock->lockMayBeAvailable(self::lockName($node));
  }

  /**
   * Saves the nodes that change, and puts the ids of new ones into the pages.
   *
   * @return string[]
   *   Keys of pages that wait because an editor saves them just now.
   */
  public function save(array $items, array &$pages, TermLists $terms): array {
    $changes = [];
    $waiting = [];
    foreach ($pages as $key => $page) {
      $change = $this->change($page, $terms);
      if ($page['have'] && $change && $this->isHeld($page['id'])) {
        $waiting[] = $key;
      }
      elseif ($change || !$page['have']) {
        $changes[$key] = $change;
      }
    }
    $this->moveAddresses($pages);
    $nodes = $this->load(array_column(array_intersect_key($pages, $changes), 'id'));
    $made = array_filter(array_keys($changes), static fn (string $key): bool => !$pages[$key]['have']);
    $this->aliases->lookUp($this->mapping->setting('path_prefix'), array_map(static fn (string $key): string => $items[$key]->slug, $made));
    foreach ($changes as $key => $change) {
      $node = $pages[$key]['have'] ? $nodes[$pages[$key]['id']] ?? NULL : $this->make($items[$key]);
      if (!$node) {
        throw new Busy("Node {$pages[$key]['id']} went away.");
      }
      $pages[$key]['id'] = $this->saveNode((string) $key, $node, $change, $items[$key]->verbatim);
    }
    return $waiting;
  }

  /**
   * Gives pages that are there the addresses that are asked for.
   *
   * The old alias stays and leads to the new one (EventSubscriber\Addresses).
   */
  private function moveAddresses(array $pages): void {
    foreach ($pages as $page) {
      $slug = $page['have'] ? $page['write']['slug'] ?? NULL : NULL;
      if (is_string($slug) && Aliases::cleaned($slug) !== $page['have']['slug']) {
        $this->aliases->add((int) $page['id'], $this->mapping->setting('path_prefix'), $slug, $page['have']['langcode']);
      }
    }
  }

  /**
   * Whether our text format would take from a joined text what an editor wrote.
   */
  public function wouldTouch(array $have, string $field, mixed $value): bool {
    $ours = $this->mapping->setting('text_format');
    $theirs = $this->stored->format($have, $field);
    $raw = (string) $this->stored->raw($have, $field);
    if ($theirs === NULL || $theirs === $ours || !is_string($value) || $raw === $value) {
      return FALSE;
    }
    $is_touched = static fn (string $text): bool => Html::normalize(trim($text)) !== Html::normalize(trim((string) check_markup($text, $ours)));
    return $is_touched($value) && $is_touched($raw);
  }

  /**
   * Nodes as they are stored, by id.
   *
   * @return \Drupal\node\NodeInterface[]
   *   Nodes.
   */
  public function load(array $ids): array {
    $ids = array_filter($ids);
    $storage = $this->entityTypes->getStorage('node');
    $storage->resetCache($ids);
    return $ids ? $storage->loadMultiple($ids) : [];
  }

  /**
   * Those of the nodes that cannot be changed through JSON:API any more.
   *
   * Two writers at once can leave a node whose newest revision is not the one
   * that is shown. Moderated content has such revisions on purpose.
   *
   * @return int[]
   *   Node ids.
   */
  public function wedged(array $ids): array {
    $type = $this->entityTypes->getStorage('node_type')->load($this->mapping->bundle());
    if (!$ids || ($type && $type->getThirdPartySettings('content_moderation')) || $this->entityTypes->hasDefinition('content_moderation_state')) {
      return [];
    }
    $found = $this->database->query('SELECT n.[nid] FROM {node} n INNER JOIN {node_revision} r ON r.[nid] = n.[nid] WHERE n.[nid] IN (:ids[]) GROUP BY n.[nid], n.[vid] HAVING MAX(r.[vid]) > n.[vid]', [':ids[]' => $ids])->fetchCol();
    return array_map('intval', $found);
  }

  /**
   * The address of a node.
   */
  public function url(int|string $id): string {
    return Url::fromRoute('entity.node.canonical', ['node' => $id], ['absolute' => TRUE])->toString();
  }

  /**
   * After the commit: no cache keeps what was read within the transaction.
   */
  public function done(array $ids): void {
    if ($ids) {
      $this->entityTypes->getStorage('node')->resetCache($ids);
    }
  }

  /**
   * After a rollback: nodes and terms are not what caches say.
   */
  public function undone(): void {
    foreach (['node', 'taxonomy_term', 'path_alias'] as $type) {
      $this->entityTypes->getStorage($type)->resetCache();
    }
  }

  /**
   * What changes in the node itself.
   *
   * @return array
   *   Field of the product to its new value; "published" where it comes back.
   *   Empty: the node stays as it is.
   */
  private function change(array $page, TermLists $terms): array {
    $change = $page['back'] ? ['published' => TRUE] : [];
    foreach ($page['write'] as $field => $value) {
      if ($this->mapping->text((string) $field)) {
        if ($this->stored->raw($page['have'], (string) $field) !== $value) {
          $change[$field] = $value;
        }
      }
      elseif (in_array($field, Mapping::LISTS, TRUE) && $this->mapping->field($field) !== '') {
        $wanted = $this->references($page, (string) $field, $value, $terms);
        if ($wanted !== NULL) {
          $change[$field] = $wanted;
        }
      }
    }
    return $change;
  }

  /**
   * The ids to which a field should refer; NULL where it does already.
   */
  private function references(array $page, string $field, mixed $value, TermLists $terms): ?array {
    $have = $page['have']['references'][$field] ?? [];
    if ($field === 'media') {
      $wanted = self::pictures($value);
      $was = self::pictures(json_decode($page['have']['values']['media'] ?? '[]'));
      // Other pictures than ours were chosen by an editor.
      return $have === $wanted || ($page['have'] && $have !== $was) ? NULL : $wanted;
    }
    $theirs = $field === 'categories' ? array_keys(array_filter($have, static fn (bool $bound): bool => !$bound)) : [];
    $wanted = [...$terms->ids($field, Content::strings($page['write'], $field)), ...$theirs];
    $now = array_keys($have);
    return array_diff($wanted, $now) || array_diff($now, $wanted) ? array_values(array_unique($wanted)) : NULL;
  }

  /**
   * The media entities of a field's value.
   *
   * @return int[]
   *   Ids.
   */
  private static function pictures(mixed $media): array {
    $ids = [];
    foreach (is_array($media) ? $media : [] as $one) {
      $id = (int) (is_object($one) ? $one->id ?? 0 : 0);
      if ($id) {
        $ids[] = $id;
      }
    }
    return $ids;
  }

  /**
   * A node that is not saved yet.
   */
  private function make(object $item): NodeInterface {
    $node = $this->entityTypes->getStorage('node')->create([
      'type' => $this->mapping->bundle(),
      'langcode' => $this->mapping->defaultLangcode(),
      'uid' => $this->role->user()?->id() ?? 0,
      'status' => NodeInterface::PUBLISHED,
      'path' => ['alias' => $this->aliases->free($this->mapping->setting('path_prefix'), $item->slug)],
    ]);
    return $node;
  }

  /**
   * Puts the changes into a node, checks and saves it.
   *
   * @throws \Drupal\commerce_connector\Exception\ItemFailed
   *   Where the site's rules or a hook refuse this one.
   */
  private function saveNode(string $key, NodeInterface $node, array $change, array $verbatim): int {
    $is_editorial = FALSE;
    $fields = [];
    $draft = $this->moderation->draft($node);
    $before = $draft ? clone $node : NULL;
    foreach ($change as $field => $value) {
      $fields[] = $field === 'published' ? NULL : $this->mapping->field(strtok((string) $field, '@'));
      $text = $this->mapping->text((string) $field);
      if ($text) {
        $this->setText($node, $text[0], $text[1], $value, in_array($field, $verbatim, TRUE));
        $is_editorial = TRUE;
      }
      elseif ($field === 'published') {
        $this->moderation->publish($node, TRUE);
      }
      else {
        $node->set($this->mapping->field($field), array_map(static fn (int $id): array => ['target_id' => $id], $value));
      }
    }
    if (!$node->isNew()) {
      $this->setRevision($node, $is_editorial || $this->wedged([(int) $node->id()]));
    }
    try {
      self::check($key, $node);
      $node->save();
      if ($draft) {
        $this->moderation->keepAbove($draft, $before, $node, array_filter($fields));
      }
    }
    catch (\Exception $error) {
      if ($error instanceof ItemFailed || Busy::is($error)) {
        throw $error;
      }
      throw new ItemFailed($key, 'A hook of another module failed with ' . get_class($error->getPrevious() ?? $error) . '.');
    }
    return (int) $node->id();
  }

  /**
   * Sets a text in the node's own language or in a translation, made if need be.
   *
   * What comes from the backend takes our own text format, whatever an editor
   * chose for the text before; what stood here before keeps the format.
   */
  private function setText(NodeInterface $node, string $name, string $langcode, string $value, bool $is_verbatim): void {
    $here = $node;
    if ($langcode !== '' && $langcode !== $node->language()->getId()) {
      $here = $node->hasTranslation($langcode) ? $node->getTranslation($langcode) : $node->addTranslation($langcode, ['title' => $node->label(), 'status' => $node->isPublished(), 'uid' => $node->getOwnerId()]);
    }
    $field = $this->mapping->field($name);
    $type = $here->get($field)->getFieldDefinition()->getType();
    $has_format = in_array($type, ['text', 'text_long', 'text_with_summary'], TRUE);
    $format = ($is_verbatim && $has_format ? $here->get($field)->format : NULL) ?? $this->mapping->setting('text_format');
    $here->set($field, $has_format && $value !== '' ? ['value' => $value, 'format' => $format] : ($value === '' ? NULL : $value));
  }

  /**
   * A new revision with its reason, or none.
   */
  private function setRevision(NodeInterface $node, bool $is_new): void {
    $node->setNewRevision($is_new);
    $node->isDefaultRevision(TRUE);
    if ($is_new) {
      $node->setRevisionLogMessage('Commerce Connector');
      $node->setRevisionCreationTime($this->time->getRequestTime());
      $node->setRevisionUserId((int) ($this->role->user()?->id() ?? 0));
    }
  }

  /**
   * Asks the site's own rules.
   *
   * Not whether our role may leave a page in the moderation state that it has.
   */
  private static function check(string $key, NodeInterface $node): void {
    foreach ($node->validate() as $violation) {
      if (strtok($violation->getPropertyPath(), '.') === 'moderation_state') {
        continue;
      }
      throw new ItemFailed($key, $violation->getPropertyPath() . ': ' . strip_tags((string) $violation->getMessage()));
    }
  }

}
