<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\ContentEntityInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\node\NodeInterface;

/**
 * The event log: what people did to pages and categories of a backend.
 *
 * Noted in the transaction that did it; our own writes are no events. The
 * daemon pulls and acknowledges.
 */
final class Events {

  private static bool $paused = FALSE;

  public function __construct(
    private readonly Connection $database,
    private readonly Mapping $mapping,
    private readonly Stored $stored,
    private readonly AccountInterface $user,
    private readonly TimeInterface $time,
  ) {}

  /**
   * Notes nothing for the rest of the request.
   */
  public static function pause(): void {
    self::$paused = TRUE;
  }

  /**
   * A node was saved again.
   */
  public function nodeUpdated(NodeInterface $node, NodeInterface $before): void {
    if ($node->bundle() !== $this->mapping->bundle() || !$node->isDefaultRevision() || $this->isSilent()) {
      return;
    }
    foreach ($this->stored->bindingsOf('product', (string) $node->id()) as $row) {
      $changed = $this->changed($row, $node, $before);
      if ($changed) {
        $this->note($row, 'edited', $changed);
      }
      if ($node->isPublished() !== $before->isPublished()) {
        $this->note($row, $node->isPublished() ? 'published' : 'unpublished');
      }
      if ($node->isPublished() && (int) $row['retired']) {
        $this->database->update('commerce_connector_bindings')->fields(['retired' => 0])->condition('id', $row['id'])->execute();
      }
    }
  }

  /**
   * An editor changed words beside the node.
   */
  public function wordsSet(array $row, array $fields): void {
    $this->note($row, 'edited', $fields);
  }

  /**
   * A category was saved again.
   */
  public function termUpdated(ContentEntityInterface $term): void {
    foreach ($this->isSilent() ? [] : $this->stored->bindingsOf('category', (string) $term->id()) as $row) {
      $this->note($row, 'edited');
    }
  }

  /**
   * A node or a term was deleted for good: it is bound no more.
   */
  public function deleted(string $kind, ContentEntityInterface $entity): void {
    foreach ($this->isSilent() ? [] : $this->stored->bindingsOf($kind, (string) $entity->id()) as $row) {
      $this->note($row, 'deleted');
      $this->database->delete('commerce_connector_bindings')->condition('id', $row['id'])->execute();
      $this->database->delete('commerce_connector_values')->condition('subject_key', $row['subject_key'])->execute();
    }
  }

  /**
   * An editor asked something of the daemon.
   */
  public function asked(array $row, array $request): void {
    $this->note($row, 'asked', [], $request);
  }

  /**
   * Events after one, oldest first.
   *
   * @return array
   *   With items and next.
   */
  public function after(string $backend, int $after, int $limit): array {
    $rows = $this->database->queryRange('SELECT * FROM {commerce_connector_events} WHERE [backend] = :backend AND [id] > :after ORDER BY [id]', 0, $limit, [':backend' => $backend, ':after' => $after], ['fetch' => \PDO::FETCH_ASSOC])->fetchAll();
    $items = array_map(static fn (array $row): array => [
      'event' => (string) $row['id'],
      'at' => gmdate('Y-m-d\TH:i:s\Z', (int) $row['at']),
      'kind' => $row['kind'],
      'id' => $row['backend_id'],
      'cms_id' => (string) $row['object_id'],
      'what' => $row['what'],
      'fields' => $row['fields'] === '' ? [] : explode(' ', $row['fields']),
      'user' => (string) $row['user_id'],
    ] + ($row['request'] === NULL ? [] : ['request' => json_decode($row['request'])]), $rows);
    $last = end($items);
    return ['items' => $items, 'next' => count($rows) === $limit ? $last['event'] : NULL];
  }

  /**
   * Forgets events that the daemon has safely noted; answers how many.
   */
  public function acknowledge(string $backend, int $upto): int {
    return (int) $this->database->delete('commerce_connector_events')->condition('backend', $backend)->condition('id', $upto, '<=')->execute();
  }

  /**
   * The fields of a product that differ between two states of its node.
   *
   * @return string[]
   *   Names, as the daemon wrote them.
   */
  private function changed(array $row, NodeInterface $node, NodeInterface $before): array {
    $changed = [];
    foreach (array_keys((array) json_decode((string) $row['hashes'], TRUE)) as $field) {
      $text = $this->mapping->text((string) $field);
      $name = $text[0] ?? (in_array($field, Mapping::LISTS, TRUE) ? $field : '');
      $langcode = $text[1] ?? '';
      if ($name !== '' && self::value($node, $this->mapping->field($name), $langcode) !== self::value($before, $this->mapping->field($name), $langcode)) {
        $changed[] = (string) $field;
      }
    }
    return $changed;
  }

  /**
   * What counts of a field: texts, or ids.
   */
  private static function value(NodeInterface $node, string $field, string $langcode): ?array {
    $node = $node->getUntranslated();
    if ($langcode !== '') {
      $node = $node->hasTranslation($langcode) ? $node->getTranslation($langcode) : NULL;
    }
    if (!$node || !$node->hasField($field)) {
      return NULL;
    }
    return array_map(static fn (array $item): string => (string) ($item['target_id'] ?? $item['value'] ?? ''), $node->get($field)->getValue());
  }

  /**
   * Whether what happens is ours.
   */
  private function isSilent(): bool {
    return self::$paused || Writes::$writing;
  }

  /**
   * Notes one event.
   */
  private function note(array $row, string $what, array $fields = [], ?array $request = NULL): void {
    $this->database->insert('commerce_connector_events')->fields([
      'at' => $this->time->getCurrentTime(),
      'backend' => $row['backend'],
      'kind' => $row['kind'],
      'backend_id' => $row['backend_id'],
      'object_id' => $row['object_id'],
      'what' => $what,
      'fields' => substr(implode(' ', $fields), 0, 190),
      'user_id' => (int) $this->user->id(),
      'request' => $request === NULL ? NULL : Keys::json($request),
    ])->execute();
  }

}
