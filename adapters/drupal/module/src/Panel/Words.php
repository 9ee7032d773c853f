<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Panel;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Datetime\DateFormatterInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;

/**
 * What the daemon says in codes, in words for editors.
 */
final class Words {

  use StringTranslationTrait;

  public function __construct(
    private readonly DateFormatterInterface $dates,
    private readonly TimeInterface $time,
    TranslationInterface $string_translation,
  ) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * A field of a product, like title or title@fr-FR.
   */
  public function field(string $field): string {
    [$name, $locale] = explode('@', $field, 2) + [1 => ''];
    $label = (string) match ($name) {
      'title' => $this->t('Title'),
      'subtitle' => $this->t('Subtitle'),
      'description' => $this->t('Description'),
      'seo_title' => $this->t('Search engine title'),
      'seo_description' => $this->t('Search engine description'),
      'categories' => $this->t('Categories'),
      'tags' => $this->t('Tags'),
      'attributes' => $this->t('Properties'),
      'options' => $this->t('Choices (size, colour …)'),
      'variants' => $this->t('Variants'),
      'media' => $this->t('Pictures'),
      'slug' => $this->t('Address'),
      'price', 'amount_text' => $this->t('Price'),
      'compare_at_text' => $this->t('Price before'),
      'stock', 'availability' => $this->t('Stock'),
      'quantity' => $this->t('Pieces left'),
      'sku' => $this->t('Article number'),
      'publish state' => $this->t('Published or not'),
      'author' => $this->t('Author'),
      'layout' => $this->t('Layout'),
      'extra blocks' => $this->t('Your own blocks'),
      'page' => $this->t('Page'),
      default => $name,
    };
    return $locale === '' ? $label : "$label ($locale)";
  }

  /**
   * How long ago something was; "" where it never was.
   */
  public function ago(int|string|null $moment): string {
    $at = is_int($moment) ? $moment : (int) strtotime((string) $moment);
    $now = $this->time->getCurrentTime();
    if ($at <= 0) {
      return '';
    }
    return (string) ($now - $at < 10 ? $this->t('just now') : $this->t('@span ago', ['@span' => $this->dates->formatDiff($at, $now, ['granularity' => 1])]));
  }

  /**
   * What to do about something that was given up on.
   */
  public function nextStep(array $parked): object {
    return match (TRUE) {
      $parked['code'] === 'SafetyStop' => $this->t('Ask whoever runs the connector: it stopped so that not too many products leave this site at once, and waits for a word.'),
      $parked['lane'] === 'words' => $this->t('Your words stay on this page. Write them into the shop by hand, or ask whoever runs the shop why it does not take them.'),
      $parked['code'] === 'Rejected' => $this->t('Correct the product in the shop: it is tried again as soon as it changes there. If the cause was on this site and is gone, press “Resync now”.'),
      default => $this->t('Press “Resync now”. If it comes back, show this to whoever runs the connector.'),
    };
  }

  /**
   * A problem of the whole site.
   */
  public function problem(array $problem): object|string {
    $count = (int) ($problem['count'] ?? 0);
    return match ($problem['code']) {
      'backend_down' => $this->t('The shop cannot be reached. Pages keep what they show.'),
      'importing' => $this->t('The first import is under way.'),
      'late' => $this->t('The oldest change in the shop waits too long for its page.'),
      'safety_stop' => $this->t('Too many products would leave this site at once, so the connector stopped.'),
      'paused' => $this->t('The connector leaves this site alone.'),
      'lane_paused' => $this->t('A part of the sync is paused.'),
      'parked' => $this->formatPlural($count, '@count product or part of one is not synced.', '@count products or parts of them are not synced.'),
      'conflicts' => $this->formatPlural($count, '@count field was changed here and in the shop.', '@count fields were changed here and in the shop.'),
      default => (string) $problem['says'],
    };
  }

  /**
   * What to do about a problem of the whole site.
   */
  public function problemNext(array $problem): object {
    return match ($problem['code']) {
      'backend_down' => $this->t('You need not do anything: it is tried again by itself.'),
      'importing' => $this->t('Wait until it is through.'),
      'parked' => $this->t('Open each one: its panel says why, and what to do.'),
      'conflicts' => $this->t('Open each page and say which words hold.'),
      'late' => $this->t('If it does not go away, ask whoever runs the connector.'),
      default => $this->t('Ask whoever runs the connector.'),
    };
  }

  /**
   * What has become of a request, as Requests gives it.
   */
  public function answer(array $one): object|string {
    $answer = $one['answer'] ?? ['code' => 'waiting', 'says' => '', 'facts' => []];
    $field = $this->field((string) ($one['request']['field'] ?? ''));
    $count = count((array) ($answer['facts']['changes'] ?? []));
    return match ($answer['code']) {
      'waiting' => $this->t('Asked. The connector is on its way …'),
      'working' => $this->t('Under way …'),
      'synced' => $this->formatPlural($count, 'Done. @count thing was brought up to date:', 'Done. @count things were brought up to date:'),
      'unchanged' => $this->t('Done. The page was up to date already.'),
      'previewed' => $count ? $this->t('The next sync would change:') : $this->t('The next sync would change nothing.'),
      'taken' => $this->t('@field is yours on this page now.', ['@field' => $field]),
      'given_back' => $this->t("@field is the shop's again, and shows what the shop says.", ['@field' => $field]),
      'resolved' => $this->t('Done. It is on the page as you decided.'),
      'moved_on' => $this->t('Not done: it was changed again meanwhile. Please look at it once more.'),
      'no_conflict' => $this->t('Not needed: this is decided already.'),
      'already_taken' => $this->t('Not needed: somebody has taken it over already.'),
      'already_editors' => $this->t("Not needed: this is the editors' on every page."),
      'not_taken' => $this->t('Not needed: nobody had taken it over.'),
      'fixed' => $this->t('Not possible: shoppers buy by this field, so the shop decides it.'),
      'unknown_product' => $this->t('Not possible: the connector knows no product for this page.'),
      'retrying' => $this->t('It did not work yet and is tried again: @why', ['@why' => $answer['says']]),
      'parked', 'unavailable' => $this->t('It did not work: @why', ['@why' => $answer['says']]),
      default => (string) $answer['says'],
    };
  }

  /**
   * One thing that a resync changed or would change.
   */
  public function change(array $change): string {
    $label = trim($this->field((string) $change['what']) . ' ' . ($change['sku'] ?? ''));
    $note = (string) match ($change['note'] ?? '') {
      'both' => $this->t('you changed it too; both are joined, or you decide'),
      'made', 'create' => $this->t('is made'),
      'published' => $this->t('is published again'),
      'retired', 'retire' => $this->t('goes off sale'),
      'rejected', 'reject' => $this->t('cannot be shown'),
      default => '',
    };
    $sides = array_map(static fn (string $side): string => '“' . mb_strimwidth(self::plain($change[$side]), 0, 60, '…') . '”', array_values(array_filter(['before', 'after'], static fn (string $side): bool => isset($change[$side]))));
    return "$label: " . trim("$note " . implode(' → ', $sides));
  }

  /**
   * A value as a person reads it.
   */
  public static function plain(mixed $value): string {
    return match (TRUE) {
      is_string($value) => $value,
      $value === NULL => '',
      is_array($value) && array_filter($value, 'is_scalar') === $value => implode(', ', array_map('strval', $value)),
      default => (string) json_encode($value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES),
    };
  }

}
