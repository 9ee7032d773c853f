<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\StringTranslation\StringTranslationTrait;

/**
 * How products stand, as columns and filters of lists of content.
 */
final class ViewsColumns {

  use StringTranslationTrait;

  /**
   * The table of bindings, as Views takes it.
   */
  public function table(): array {
    $group = $this->t('Shop');
    $table = ['table' => [
      'group' => $group,
      'join' => ['node_field_data' => ['left_field' => 'nid', 'field' => 'object_id', 'extra' => [['field' => 'kind', 'value' => 'product']]]],
    ]];
    $table['synced_at'] = self::column($this->t('Page last synced'), 'date', 'date');
    $table['backend_id'] = self::column($this->t('Product in the shop'), 'standard', 'string');
    $flags = ['in_conflict' => $this->t('Words to decide'), 'is_parked' => $this->t('Not synced'), 'is_late' => $this->t('Behind'), 'retired' => $this->t('No longer sold')];
    foreach ($flags as $name => $title) {
      $table[$name] = self::column($title, 'boolean', 'boolean');
      $table[$name]['filter'] += ['label' => $title, 'type' => 'yes-no'];
    }
    return $table;
  }

  private static function column(object $title, string $field, string $filter): array {
    return ['title' => $title, 'field' => ['id' => $field], 'filter' => ['id' => $filter], 'sort' => ['id' => $filter === 'date' ? 'date' : 'standard']];
  }

}
