<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Panel;

use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\commerce_connector\Keys;
use Drupal\commerce_connector\Stored;
use Drupal\node\NodeInterface;

/**
 * What an editor sees beside a product: put together, nothing decided.
 */
final class Panel {

  use StringTranslationTrait;

  public const TAKE_OVER = 'take over commerce fields';
  public const EDITABLE = ['title', 'subtitle', 'description', 'categories', 'tags', ...SearchWords::FIELDS];

  /**
   * Lists of words: a third value of theirs is written an entry a line.
   */
  public const LINES = ['categories', 'tags'];

  public function __construct(
    private readonly Stored $stored,
    private readonly Summary $summaries,
    private readonly Requests $requests,
    private readonly Words $words,
    private readonly EntityTypeManagerInterface $entityTypes,
    TranslationInterface $string_translation,
  ) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * The product that a node shows; NULL where it shows none.
   */
  public function binding(NodeInterface $node): ?array {
    return $node->isNew() ? NULL : $this->stored->bindingsOf('product', (string) $node->id())[0] ?? NULL;
  }

  /**
   * All that the panel of a product says.
   */
  public function of(array $binding): array {
    $note = self::note($binding);
    $summary = $this->summaries->of($binding['backend']) ? $this->summaries->all()[$binding['backend']] : [];
    return [
      'state' => $this->state($binding, $note, $summary),
      'source' => $this->source($binding),
      'conflicts' => array_map($this->conflict(...), array_values($note['conflicts'])),
      'parked' => $this->parked($note),
      'groups' => $this->groups($summary, $note),
      'requests' => array_map($this->request(...), $this->requests->of($binding['subject_key'])),
    ];
  }

  /**
   * What a page in an editor's hands is compared with: a mark for each field.
   *
   * @return array[]
   *   By field: label, mark and shop (what the shop says, in short).
   */
  public function marks(array $binding): array {
    $bases = (array) json_decode((string) $binding['bases'], TRUE);
    $marks = [];
    foreach ((array) json_decode((string) $binding['hashes'], TRUE) as $field => $hash) {
      if (self::isEditable((string) $field)) {
        $base = $bases[$field] ?? '';
        $marks[$field] = ['label' => $this->words->field($field), 'mark' => Keys::hash($hash . Keys::json($base)), 'shop' => mb_strimwidth(strip_tags(Words::plain($base)), 0, 160, '…')];
      }
    }
    return $marks;
  }

  /**
   * What stands in the page's fields now, so that a form knows what it was opened with.
   *
   * @return string[]
   *   Hashes by field.
   */
  public function standing(array $binding): array {
    $product = $this->stored->products($binding['backend'], [$binding['object_id']])[(int) $binding['object_id']] ?? NULL;
    return $product ? $this->stored->hashes($product, array_keys($this->marks($binding))) : [];
  }

  /**
   * What was changed on the page since a form was opened; none of it is lost.
   *
   * @return string[]
   *   A line for each field, with what stands there now.
   */
  public function changedSince(array $binding, array $opened): array {
    $product = $this->stored->products($binding['backend'], [$binding['object_id']])[(int) $binding['object_id']] ?? NULL;
    $lines = [];
    foreach ($product ? array_diff_assoc($this->standing($binding), $opened) : [] as $field => $hash) {
      if (isset($opened[$field])) {
        $value = $this->stored->value($field, $this->stored->raw($product, $field));
        $lines[] = $this->words->field($field) . ': “' . mb_strimwidth(strip_tags(Words::plain($value)), 0, 160, '…') . '”';
      }
    }
    return $lines;
  }

  /**
   * Whether editors can change a field; words for search engines have no form in translations.
   */
  private static function isEditable(string $field): bool {
    return in_array($field, self::EDITABLE, TRUE) || in_array(strtok($field, '@'), array_diff(self::EDITABLE, SearchWords::FIELDS), TRUE);
  }

  /**
   * The daemon's note of a product; what is not as it should be is left out.
   */
  private static function note(array $binding): array {
    $note = array_filter((array) json_decode((string) $binding['status'], TRUE), 'is_array');
    foreach (['conflicts' => ['field', 'mark'], 'parked' => ['lane', 'since', 'code', 'reason'], 'fields' => ['state', 'by', 'at']] as $part => $needed) {
      $note[$part] = array_filter($note[$part] ?? [], static fn (mixed $one): bool => is_array($one) && !array_diff($needed, array_keys($one)));
    }
    return $note;
  }

  private function state(array $binding, array $note, array $summary): array {
    $is_silent = !$summary || $summary['is_old'];
    [$tone, $says] = $this->verdict($binding, $note, $is_silent);
    $looked = $is_silent ? '' : $this->words->ago($summary['backend']['looked_at'] ?? NULL);
    $wrote = $this->words->ago((int) $binding['synced_at']);
    return ['tone' => $tone, 'says' => $says, 'detail' => array_filter([
      $looked === '' ? NULL : $this->t('Shop checked @ago.', ['@ago' => $looked]),
      $wrote === '' ? NULL : $this->t('Page last synced @ago.', ['@ago' => $wrote]),
    ])];
  }

  private function verdict(array $binding, array $note, bool $is_silent): array {
    $open = count(array_filter($note['conflicts'], static fn (array $one): bool => empty($one['decided'])));
    return match (TRUE) {
      !empty($note['parked']) => ['bad', $this->t('Not synced: something is wrong with this product')],
      $open > 0 => ['bad', $this->formatPlural($open, '@count field waits for your decision', '@count fields wait for your decision')],
      $is_silent => ['wait', $this->t('Nothing was heard of the shop connection for a while')],
      (bool) (int) $binding['retired'] => ['wait', $this->t('The shop no longer sells this product')],
      !empty($note['waiting']) => ['wait', ($note['waiting']['lane'] ?? '') === 'words' ? $this->t('Your words are on their way into the shop') : $this->t('A change from the shop is on its way')],
      default => ['good', $this->t('In step with the shop')],
    };
  }

  private function source(array $binding): array {
    $product = $this->stored->products($binding['backend'], [$binding['object_id']])[(int) $binding['object_id']] ?? ['values' => []];
    $url = json_decode($product['values']['source'] ?? 'null', TRUE)['admin_url'] ?? '';
    return ['id' => $binding['backend_id'], 'backend' => $binding['backend'], 'url' => is_string($url) && preg_match('#^https?://#', $url) ? $url : ''];
  }

  private function conflict(array $one): array {
    $user = empty($one['edited_by']) ? NULL : $this->entityTypes->getStorage('user')->load($one['edited_by']);
    return [
      'field' => $one['field'],
      'label' => $this->words->field($one['field']),
      'mark' => $one['mark'],
      'third' => self::third($one),
      'is_list' => in_array($one['field'], self::LINES, TRUE),
      'base' => array_key_exists('base', $one) ? Words::plain($one['base']) : NULL,
      'shop' => Words::plain($one['backend'] ?? NULL),
      'page' => Words::plain($one['site'] ?? NULL),
      'by' => $user ? $user->getDisplayName() : '',
      'edited' => $this->words->ago($one['edited_at'] ?? NULL),
      'found' => $this->words->ago($one['found_at'] ?? NULL),
      'decided' => $one['decided']['by'] ?? '',
    ];
  }

  /**
   * What a third value begins with, a list an entry a line; NULL: there is none.
   */
  private static function third(array $one): ?string {
    $site = $one['site'] ?? NULL;
    if (in_array($one['field'], self::LINES, TRUE) && is_array($site)) {
      return implode("\n", array_map('strval', array_filter($site, 'is_scalar')));
    }
    return is_string($one['backend'] ?? NULL) && is_string($site) ? $site : NULL;
  }

  private function parked(array $note): array {
    $shown = array_map(fn (array $one): array => ['reason' => $one['reason'], 'next' => $this->words->nextStep($one), 'since' => $this->words->ago($one['since'])], $note['parked']);
    if (!empty($note['waiting']['reason'])) {
      $shown[] = ['reason' => $note['waiting']['reason'], 'next' => $this->t('You need not do anything: it is tried again by itself.'), 'since' => $this->words->ago($note['waiting']['since'])];
    }
    return $shown;
  }

  /**
   * Who decides which field: shared, the editors', the shop's.
   */
  private function groups(array $summary, array $note): array {
    $groups = [
      'shared' => ['label' => $this->t('You and the shop'), 'why' => $this->t('Write freely: your words stay. What the shop changes elsewhere in a text is added; if both change the same words, you decide.')],
      'yours' => ['label' => $this->t('Yours alone'), 'why' => $this->t('The shop never touches these.')],
      'shop' => ['label' => $this->t('Only the shop'), 'why' => $this->t('What you change here is overwritten. Change it in the shop instead.')],
    ];
    foreach ((array) ($summary['fields'] ?? []) as $row) {
      [$group, $line] = $this->line($row, $note['fields'][$row['field']] ?? NULL);
      $groups[$group]['fields'][] = $line;
    }
    return array_filter($groups, static fn (array $group): bool => !empty($group['fields']));
  }

  private function line(array $row, ?array $special): array {
    $group = ['commerce' => 'shop', 'editor' => 'yours'][$row['owner']] ?? 'shared';
    $line = ['field' => $row['field'], 'label' => $this->words->field($row['field']), 'note' => '', 'offer' => !empty($row['takes']) && self::isEditable($row['field']) ? 'take_over' : ''];
    if (!$special) {
      return [$group, $line];
    }
    $is_returning = $special['state'] === 'returning';
    $who = ['@by' => preg_replace('/ \(user [^)]*\)\z/', '', $special['by']), '@ago' => $this->words->ago($special['at'])];
    $line['offer'] = $is_returning ? '' : 'give_back';
    $line['note'] = match ($special['state']) {
      'returning' => $this->t('given back, the shop writes it shortly'),
      'held' => $this->t('restored by @by @ago, kept until the shop changes it', $who),
      default => $this->t('taken over by @by @ago', $who),
    };
    return [$is_returning ? 'shop' : 'yours', $line];
  }

  private function request(array $one): array {
    return [
      'id' => $one['id'],
      'standing' => $one['standing'],
      'says' => $this->words->answer($one),
      'changes' => array_map($this->words->change(...), (array) ($one['answer']['facts']['changes'] ?? [])),
      'by' => $one['request']['by'] ?? '',
      'ago' => $this->words->ago($one['asked_at']),
    ];
  }

}
