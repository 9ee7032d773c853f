<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Access\AccessResult;
use Drupal\Core\Access\AccessResultInterface;
use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Field\FieldDefinitionInterface;
use Drupal\Core\Field\FieldItemListInterface;
use Drupal\Core\Session\AccountInterface;

/**
 * Fields that come from the backend are locked for editors, with the reason.
 *
 * In forms and in JSON:API alike. What our own requests save does not ask.
 */
final class FieldLocks {

  public function __construct(
    private readonly ConfigFactoryInterface $config,
    private readonly Mapping $mapping,
    private readonly Stored $stored,
    private readonly AccountInterface $user,
  ) {}

  /**
   * Whether a person may edit a field.
   */
  public function access(string $operation, FieldDefinitionInterface $field, AccountInterface $account, ?FieldItemListInterface $items): AccessResultInterface {
    $node = $operation === 'edit' && $field->getTargetEntityTypeId() === 'node' ? $items?->getEntity() : NULL;
    if (!$node || $node->bundle() !== $this->mapping->bundle()) {
      return AccessResult::neutral();
    }
    $settings = $this->config->get('commerce_connector.settings');
    $locked = array_map($this->mapping->field(...), (array) $settings->get('locked'));
    if (!in_array($field->getName(), $locked, TRUE) || $account->hasPermission('edit commerce-owned fields')) {
      return AccessResult::neutral()->addCacheableDependency($settings)->cachePerPermissions();
    }
    $binding = $node->isNew() ? NULL : $this->stored->bindingsOf('product', (string) $node->id())[0] ?? NULL;
    if (!$binding || $this->isTaken($binding, $field->getName())) {
      return AccessResult::neutral()->setCacheMaxAge(0);
    }
    return AccessResult::forbidden(self::reason((string) $field->getLabel()))->addCacheableDependency($settings)->cachePerPermissions()->setCacheMaxAge(0);
  }

  /**
   * The labels of what is locked on a node, for the form that leaves it out.
   *
   * @return string[]
   *   Labels.
   */
  public function labels(FieldItemListInterface ...$fields): array {
    $labels = [];
    foreach ($fields as $items) {
      if ($this->access('edit', $items->getFieldDefinition(), $this->user, $items)->isForbidden()) {
        $labels[] = (string) $items->getFieldDefinition()->getLabel();
      }
    }
    return $labels;
  }

  /**
   * Whether editors have taken a field of the node over from the shop.
   */
  private function isTaken(array $binding, string $field): bool {
    $fields = json_decode((string) $binding['status'], TRUE)['fields'] ?? [];
    foreach ($fields as $name => $special) {
      if (($special['state'] ?? 'returning') !== 'returning' && $this->mapping->field((string) strtok($name, '@')) === $field) {
        return TRUE;
      }
    }
    return FALSE;
  }

  private static function reason(string $label): string {
    return "$label comes from the commerce backend: change it there.";
  }

}
