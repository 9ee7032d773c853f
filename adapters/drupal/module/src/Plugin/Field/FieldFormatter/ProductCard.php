<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Plugin\Field\FieldFormatter;

use Drupal\Core\Field\FieldDefinitionInterface;
use Drupal\Core\Field\FieldItemListInterface;
use Drupal\Core\Field\Plugin\Field\FieldFormatter\EntityReferenceFormatterBase;
use Drupal\commerce_connector\View;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Products to which a field refers, as cards.
 *
 * @FieldFormatter(
 *   id = "commerce_connector_card",
 *   label = @Translation("Product card"),
 *   description = @Translation("Picture, title, price and stock."),
 *   field_types = {"entity_reference"}
 * )
 */
final class ProductCard extends EntityReferenceFormatterBase {

  private View $view;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container, array $configuration, $plugin_id, $plugin_definition) {
    $formatter = parent::create($container, $configuration, $plugin_id, $plugin_definition);
    $formatter->view = $container->get('commerce_connector.view');
    return $formatter;
  }

  /**
   * {@inheritdoc}
   */
  public static function isApplicable(FieldDefinitionInterface $field_definition) {
    return $field_definition->getFieldStorageDefinition()->getSetting('target_type') === 'node';
  }

  /**
   * {@inheritdoc}
   */
  public function viewElements(FieldItemListInterface $items, $langcode) {
    return array_map($this->view->card(...), $this->getEntitiesToView($items, $langcode));
  }

}
