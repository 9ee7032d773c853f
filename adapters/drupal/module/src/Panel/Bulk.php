<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Panel;

use Drupal\Component\Render\PlainTextOutput;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\Core\TempStore\PrivateTempStoreFactory;
use Drupal\Core\Url;
use Drupal\commerce_connector\Stored;

/**
 * Many products resynced at once: what a person asked last, and how far it is.
 */
final class Bulk {

  use StringTranslationTrait;

  private const SHOWN_PROBLEMS = 20;

  public function __construct(
    private readonly Panel $panel,
    private readonly Requests $requests,
    private readonly Words $words,
    private readonly Summary $summaries,
    private readonly Stored $stored,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly PrivateTempStoreFactory $kept,
    private readonly AccountInterface $user,
    TranslationInterface $string_translation,
  ) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * Asks for a resync of nodes; those that show no product are left out.
   *
   * Who may edit them is decided by who calls.
   *
   * @param \Drupal\node\NodeInterface[] $nodes
   *   Nodes.
   */
  public function ask(array $nodes): void {
    $bindings = array_values(array_filter(array_map($this->panel->binding(...), $nodes)));
    $batch = $this->requests->askAll($bindings, ['action' => 'resync']);
    if ($this->user->isAuthenticated()) {
      $this->kept->get('commerce_connector')->set('bulk', ['batch' => $batch, 'left' => count($nodes) - count($bindings)]);
    }
  }

  /**
   * How far it is with what the person asked last.
   *
   * @return array|null
   *   total, done, failed, is_over, tone, problems (title, url, says), says,
   *   more and left (plain texts, maybe ""); NULL: they asked for nothing.
   */
  public function latest(): ?array {
    $kept = $this->kept->get('commerce_connector')->get('bulk');
    $requests = $kept ? $this->requests->ofBatch($kept['batch']) : [];
    if (!$requests) {
      return NULL;
    }
    $standings = array_count_values(array_column($requests, 'standing'));
    [$total, $done] = [count($requests), $standings['done'] ?? 0];
    $failed = ($standings['refused'] ?? 0) + ($standings['failed'] ?? 0);
    $is_over = $done + $failed === $total;
    $problems = array_filter($requests, static fn (array $one): bool => in_array($one['standing'], ['refused', 'failed'], TRUE) || ($one['answer']['code'] ?? '') === 'retrying');
    $more = count($problems) - self::SHOWN_PROBLEMS;
    return [
      'total' => $total,
      'done' => $done,
      'failed' => $failed,
      'is_over' => $is_over,
      'tone' => $is_over ? ($failed ? 'bad' : 'good') : 'wait',
      'says' => (string) $this->says($total, $done, $failed, $is_over),
      'problems' => $this->problems(array_slice($problems, 0, self::SHOWN_PROBLEMS)),
      'more' => $more > 0 ? (string) $this->formatPlural($more, 'and @count more', 'and @count more') : '',
      'left' => $kept['left'] > 0 ? (string) $this->formatPlural($kept['left'], '@count of those chosen was left out: it does not come from the shop.', '@count of those chosen were left out: they do not come from the shop.') : '',
    ];
  }

  /**
   * How far it is, in a sentence.
   */
  private function says(int $total, int $done, int $failed, bool $is_over): object {
    $numbers = ['@done' => $done, '@total' => $total, '@failed' => $failed];
    return match (TRUE) {
      $is_over && !$failed => $this->formatPlural($total, 'Resync: done. @count product is up to date.', 'Resync: done. @count products are up to date.'),
      $is_over => $this->t('Resync: done. Up to date: @done of @total. Not synced: @failed.', $numbers),
      !array_filter($this->summaries->all(), static fn (array $one): bool => !$one['is_old']) => $this->t('Resync under way: @done of @total. Nothing was heard of the shop connection for a while; the rest follows by itself when it is back.', $numbers),
      $failed > 0 => $this->t('Resync under way: @done of @total. Not synced: @failed.', $numbers),
      default => $this->t('Resync under way: @done of @total.', $numbers),
    };
  }

  /**
   * What went wrong with some products, each with the way to its panel.
   */
  private function problems(array $requests): array {
    $bindings = $this->stored->bindings(array_column($requests, 'subject_key'));
    $nodes = $this->entityTypes->getStorage('node')->loadMultiple(array_column($bindings, 'object_id'));
    return array_map(function (array $one) use ($bindings, $nodes): array {
      $binding = $bindings[$one['subject_key']] ?? NULL;
      $node = $binding ? $nodes[$binding['object_id']] ?? NULL : NULL;
      $may_edit = $node && $node->access('update', $this->user);
      return [
        'title' => $may_edit ? (string) $node->label() : (string) ($binding['backend_id'] ?? ''),
        'url' => $may_edit ? Url::fromRoute('commerce_connector.panel', ['node' => $node->id()])->toString() : '',
        'says' => PlainTextOutput::renderFromHtml((string) $this->words->answer($one)),
      ];
    }, array_values($requests));
  }

}
