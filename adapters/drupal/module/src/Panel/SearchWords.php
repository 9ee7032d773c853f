<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Panel;

use Drupal\Component\Utility\Unicode;
use Drupal\Core\Cache\CacheTagsInvalidatorInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\Extension\ModuleHandlerInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\commerce_connector\Events;
use Drupal\commerce_connector\Keys;
use Drupal\commerce_connector\Stored;
use Drupal\commerce_connector\Writes;

/**
 * What search engines show of a product, as editors write it in its form.
 */
final class SearchWords {

  use StringTranslationTrait;

  public const FIELDS = ['seo_title', 'seo_description'];

  public function __construct(
    private readonly Connection $database,
    private readonly Stored $stored,
    private readonly Words $words,
    private readonly Events $events,
    private readonly ModuleHandlerInterface $modules,
    private readonly CacheTagsInvalidatorInterface $tags,
    TranslationInterface $string_translation,
  ) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * The part of the form.
   */
  public function element(array $binding): array {
    $stands = array_map(self::clean(...), $this->of($binding));
    $element = [
      '#type' => 'details',
      '#group' => 'advanced',
      '#title' => $this->t('Search engines'),
      '#tree' => TRUE,
      '#weight' => -45,
      'seo_title' => ['#type' => 'textfield', '#maxlength' => NULL, '#title' => $this->words->field('seo_title'), '#default_value' => $stands['seo_title'], '#description' => $this->t('Search engines show about 60 characters. Empty: the title of the page.')],
      'seo_description' => ['#type' => 'textarea', '#rows' => 3, '#title' => $this->words->field('seo_description'), '#default_value' => $stands['seo_description'], '#description' => $this->t('Search engines show about 150 characters. Empty: they choose words of the page.')],
    ];
    if ($this->modules->moduleExists('metatag')) {
      $element['metatag'] = ['#markup' => '<p>' . $this->t('The module Metatag says these on the page itself, from fields of its own. What stands here is what the shop and this site agree on.') . '</p>', '#weight' => -1];
    }
    return $element;
  }

  /**
   * Keeps what was changed, and notes it as an edit.
   *
   * What only cleaning would change was not changed by the editor, and stays to
   * the byte.
   */
  public function save(array $binding, array $values): void {
    $rows = [];
    foreach ($this->of($binding) as $field => $old) {
      $new = isset($values[$field]) ? self::clean((string) $values[$field]) : NULL;
      if ($new !== NULL && $new !== self::clean($old)) {
        $rows[$field] = ['value_key' => "$binding[subject_key]:$field", 'subject_key' => $binding['subject_key'], 'field' => $field, 'value' => Keys::json($new)];
      }
    }
    if ($rows) {
      Writes::upsert($this->database, 'commerce_connector_values', 'value_key', array_values($rows));
      $this->events->wordsSet($binding, array_keys($rows));
      $this->tags->invalidateTags(["node:$binding[object_id]"]);
    }
  }

  /**
   * What stands there, by field.
   *
   * @return string[]
   *   Texts.
   */
  private function of(array $binding): array {
    $product = $this->stored->products($binding['backend'], [$binding['object_id']])[(int) $binding['object_id']] ?? ['values' => []];
    $values = [];
    foreach (self::FIELDS as $field) {
      $value = json_decode($product['values'][$field] ?? '""', TRUE);
      $values[$field] = is_string($value) ? $value : '';
    }
    return $values;
  }

  /**
   * A text of people without markup: all else is escaped where it is shown.
   */
  private static function clean(string $text): string {
    $text = Unicode::validateUtf8($text) ? str_replace("\r\n", "\n", $text) : '';
    return trim(preg_match('#<[a-z/!?]#i', $text) ? strip_tags($text) : $text);
  }

}
