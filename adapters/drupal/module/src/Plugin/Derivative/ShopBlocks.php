<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Plugin\Derivative;

use Drupal\Component\Plugin\Derivative\DeriverBase;
use Drupal\Core\StringTranslation\StringTranslationTrait;

/**
 * Cart, mini cart and checkout: a block each.
 */
final class ShopBlocks extends DeriverBase {

  use StringTranslationTrait;

  /**
   * {@inheritdoc}
   */
  public function getDerivativeDefinitions($base_plugin_definition) {
    $labels = ['cart' => $this->t('Cart'), 'mini_cart' => $this->t('Mini cart'), 'checkout' => $this->t('Checkout')];
    foreach ($labels as $name => $label) {
      $this->derivatives[$name] = ['admin_label' => $label] + $base_plugin_definition;
    }
    return $this->derivatives;
  }

}
