<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Plugin\Block;

use Drupal\Core\Access\AccessResult;
use Drupal\Core\Block\BlockBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\Core\Plugin\ContainerFactoryPluginInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\commerce_connector\View;
use Drupal\node\NodeInterface;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Price, stock, buy button, card or all of the product of a page, for any region or layout.
 *
 * @Block(
 *   id = "commerce_connector_part",
 *   admin_label = @Translation("Product: price, stock, buy button or card"),
 *   category = @Translation("Commerce Connector"),
 *   context_definitions = {
 *     "node" = @ContextDefinition("entity:node", label = @Translation("Product"))
 *   }
 * )
 */
final class ProductPart extends BlockBase implements ContainerFactoryPluginInterface {

  private View $view;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container, array $configuration, $plugin_id, $plugin_definition) {
    $block = new self($configuration, $plugin_id, $plugin_definition);
    $block->view = $container->get('commerce_connector.view');
    return $block;
  }

  /**
   * {@inheritdoc}
   */
  public function defaultConfiguration() {
    return ['part' => 'price'];
  }

  /**
   * {@inheritdoc}
   */
  public function blockForm($form, FormStateInterface $form_state) {
    $form['part'] = [
      '#type' => 'radios',
      '#title' => $this->t('What is shown'),
      '#options' => [
        'price' => $this->t('Price'),
        'stock' => $this->t('Stock'),
        'buy' => $this->t('Buy button'),
        'card' => $this->t('Card: picture, title, price and stock'),
        'product' => $this->t('Pictures, price, stock, variants and attributes'),
      ],
      '#default_value' => $this->configuration['part'],
    ];
    return $form;
  }

  /**
   * {@inheritdoc}
   */
  public function blockSubmit($form, FormStateInterface $form_state) {
    $this->configuration['part'] = $form_state->getValue('part');
  }

  /**
   * {@inheritdoc}
   */
  protected function blockAccess(AccountInterface $account) {
    $node = $this->getContextValue('node');
    return $node instanceof NodeInterface ? $node->access('view', $account, TRUE) : AccessResult::forbidden();
  }

  /**
   * {@inheritdoc}
   */
  public function build() {
    $node = $this->getContextValue('node');
    return match ($this->configuration['part']) {
      'stock' => $this->view->stock($node),
      'buy' => $this->view->buy($node),
      'card' => $this->view->card($node),
      'product' => $this->view->product($node),
      default => $this->view->price($node),
    };
  }

}
