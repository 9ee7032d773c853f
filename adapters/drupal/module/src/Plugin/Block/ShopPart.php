<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Plugin\Block;

use Drupal\Core\Block\BlockBase;
use Drupal\Core\Plugin\ContainerFactoryPluginInterface;
use Drupal\commerce_connector\Shop\Parts;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Cart, mini cart or checkout, for any region or layout.
 *
 * @Block(
 *   id = "commerce_connector_shop",
 *   admin_label = @Translation("Shop"),
 *   category = @Translation("Commerce Connector"),
 *   deriver = "Drupal\commerce_connector\Plugin\Derivative\ShopBlocks"
 * )
 */
final class ShopPart extends BlockBase implements ContainerFactoryPluginInterface {

  private Parts $parts;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container, array $configuration, $plugin_id, $plugin_definition) {
    $block = new self($configuration, $plugin_id, $plugin_definition);
    $block->parts = $container->get('commerce_connector.shop_parts');
    return $block;
  }

  /**
   * {@inheritdoc}
   */
  public function build() {
    return match ($this->getDerivativeId()) {
      'cart' => $this->parts->cart(),
      'checkout' => $this->parts->checkout(),
      default => $this->parts->miniCart(),
    };
  }

}
