<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Controller;

use Drupal\Component\Render\PlainTextOutput;
use Drupal\Core\Access\AccessResult;
use Drupal\Core\Access\AccessResultInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\Core\Url;
use Drupal\commerce_connector\Mapping;
use Drupal\commerce_connector\Panel\Bulk;
use Drupal\commerce_connector\Panel\Panel;
use Drupal\commerce_connector\Panel\Summary;
use Drupal\commerce_connector\Panel\Words;
use Drupal\node\NodeInterface;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpKernel\Exception\NotFoundHttpException;

/**
 * The dashboard, and how one product stands, for scripts that follow it.
 */
final class PanelPages {

  use StringTranslationTrait;

  public function __construct(
    private readonly Panel $panel,
    private readonly Summary $summaries,
    private readonly Words $words,
    private readonly Mapping $mapping,
    private readonly Bulk $bulk,
    TranslationInterface $string_translation,
  ) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * Who sees a product's panel: who may edit its page.
   */
  public function access(NodeInterface $node, AccountInterface $account): AccessResultInterface {
    $may_edit = $node->access('update', $account, TRUE);
    if ($node->bundle() !== $this->mapping->bundle() || !$may_edit->isAllowed()) {
      return AccessResult::forbidden()->addCacheableDependency($may_edit)->addCacheableDependency($node)->addCacheTags(['config:commerce_connector.settings']);
    }
    return AccessResult::allowedIf((bool) $this->panel->binding($node))->setCacheMaxAge(0);
  }

  /**
   * How a product stands now: state, marks of its fields, requests.
   */
  public function state(NodeInterface $node): JsonResponse {
    $binding = $this->panel->binding($node) ?? throw new NotFoundHttpException();
    $shown = $this->panel->of($binding);
    $state = ['says' => (string) $shown['state']['says'], 'tone' => $shown['state']['tone']];
    $requests = array_map(static fn (array $one): array => ['says' => PlainTextOutput::renderFromHtml((string) $one['says'])] + $one, $shown['requests']);
    return new JsonResponse(['state' => $state, 'marks' => $this->panel->marks($binding), 'requests' => $requests], 200, ['Cache-Control' => 'no-store']);
  }

  /**
   * How far a resync of many is that this person asked for.
   */
  public function bulk(Request $request): array {
    $back = (string) $request->query->get('destination');
    return [
      '#theme' => 'commerce_connector_bulk',
      '#bulk' => $this->bulk->latest() ?? [],
      '#state_url' => Url::fromRoute('commerce_connector.bulk.state')->toString(),
      '#back_url' => str_starts_with($back, '/') ? Url::fromUserInput($back)->toString() : '',
      '#attached' => ['library' => ['commerce_connector/bulk']],
      '#cache' => ['max-age' => 0],
    ];
  }

  /**
   * The same for scripts.
   */
  public function bulkState(): JsonResponse {
    return new JsonResponse($this->bulk->latest() ?? throw new NotFoundHttpException(), 200, ['Cache-Control' => 'no-store']);
  }

  /**
   * The dashboard.
   */
  public function dashboard(): array {
    $shops = array_map($this->shop(...), $this->summaries->all());
    return [
      '#theme' => 'commerce_connector_dashboard',
      '#shops' => $shops,
      '#attached' => ['library' => ['commerce_connector/panel']],
      '#cache' => ['max-age' => 0],
    ];
  }

  /**
   * A summary in words.
   */
  private function shop(array $summary): array {
    $lanes = ['offers' => $this->t('Prices and stock'), 'content' => $this->t('Pages and texts'), 'media' => $this->t('Pictures'), 'words' => $this->t('Your words on their way into the shop')];
    $kinds = ['import' => $this->t('First import'), 'resync' => $this->t('Resync'), 'reconcile' => $this->t('Full comparison'), 'take_over' => $this->t('Field taken over'), 'give_back' => $this->t('Field given back'), 'resolve' => $this->t('Words decided'), 'undo' => $this->t('Undo'), 'safety_stop' => $this->t('Safety stop')];
    $outcomes = ['running' => $this->t('under way'), 'done' => $this->t('done'), 'parked' => $this->t('some not synced'), 'failed' => $this->t('failed'), 'stopped' => $this->t('stopped')];
    return [
      'name' => $summary['backend']['name'],
      'is_old' => $summary['is_old'],
      'heard' => $this->words->ago($summary['came_at']),
      'counts' => $summary['counts'],
      'looked' => $this->words->ago($summary['backend']['looked_at'] ?? NULL),
      'compared' => $this->words->ago($summary['backend']['compared_at'] ?? NULL),
      'problems' => array_map(fn (array $one): array => ['says' => $this->words->problem($one), 'next' => $this->words->problemNext($one), 'since' => $this->words->ago($one['since'] ?? NULL)], (array) $summary['problems']),
      'lanes' => array_map(fn (array $one): array => ['label' => $lanes[$one['lane']] ?? $one['lane'], 'due' => $one['due'], 'parked' => $one['parked'], 'oldest' => $this->words->ago($one['oldest_at'] ?? NULL)], (array) $summary['lanes']),
      'runs' => array_map(fn (array $one): array => ['kind' => $kinds[$one['kind']] ?? $one['kind'], 'by' => $one['asked_by'], 'ago' => $this->words->ago($one['started_at']), 'outcome' => $outcomes[$one['outcome']] ?? $one['outcome'], 'message' => $one['message']], (array) $summary['runs']),
    ];
  }

}
