<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Plugin\Field\FieldFormatter;

use Drupal\Core\Field\FieldDefinitionInterface;
use Drupal\Core\Field\FieldItemListInterface;
use Drupal\Core\Field\Plugin\Field\FieldFormatter\EntityReferenceFormatterBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\commerce_connector\View;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Price, stock or buy button of the products to which a field refers.
 *
 * @FieldFormatter(
 *   id = "commerce_connector_part",
 *   label = @Translation("Product: price, stock or buy button"),
 *   field_types = {"entity_reference"}
 * )
 */
final class ProductPart extends EntityReferenceFormatterBase {

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
  public static function defaultSettings() {
    return ['part' => 'price'] + parent::defaultSettings();
  }

  /**
   * {@inheritdoc}
   */
  public function settingsForm(array $form, FormStateInterface $form_state) {
    return [
      'part' => ['#type' => 'select', '#title' => $this->t('What is shown'), '#options' => $this->options(), '#default_value' => $this->getSetting('part')],
    ] + parent::settingsForm($form, $form_state);
  }

  /**
   * {@inheritdoc}
   */
  public function settingsSummary() {
    return [$this->options()[$this->getSetting('part')] ?? ''];
  }

  /**
   * {@inheritdoc}
   */
  public static function isApplicable(FieldDefinitionInterface $field_definition) {
    return ProductCard::isApplicable($field_definition);
  }

  /**
   * {@inheritdoc}
   */
  public function viewElements(FieldItemListInterface $items, $langcode) {
    $show = match ($this->getSetting('part')) {
      'stock' => $this->view->stock(...),
      'buy' => $this->view->buy(...),
      default => $this->view->price(...),
    };
    return array_map($show, $this->getEntitiesToView($items, $langcode));
  }

  private function options(): array {
    return ['price' => $this->t('Price'), 'stock' => $this->t('Stock'), 'buy' => $this->t('Buy button')];
  }

}
