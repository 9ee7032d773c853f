<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Plugin\Action;

use Drupal\Core\Action\ActionBase;
use Drupal\Core\Plugin\ContainerFactoryPluginInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\commerce_connector\Panel\Bulk;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Asks the daemon to hold products against the shop now.
 *
 * @Action(
 *   id = "commerce_connector_resync",
 *   label = @Translation("Resync from the shop"),
 *   type = "node",
 *   confirm_form_route_name = "commerce_connector.bulk"
 * )
 */
final class Resync extends ActionBase implements ContainerFactoryPluginInterface {

  private Bulk $bulk;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container, array $configuration, $plugin_id, $plugin_definition) {
    $action = new self($configuration, $plugin_id, $plugin_definition);
    $action->bulk = $container->get('commerce_connector.bulk');
    return $action;
  }

  /**
   * {@inheritdoc}
   */
  public function access($object, ?AccountInterface $account = NULL, $return_as_object = FALSE) {
    return $object->access('update', $account, $return_as_object);
  }

  /**
   * {@inheritdoc}
   */
  public function execute($object = NULL) {
    $this->executeMultiple([$object]);
  }

  /**
   * {@inheritdoc}
   *
   * The page that Views leads to then says how far it is.
   */
  public function executeMultiple(array $entities) {
    $this->bulk->ask(array_values($entities));
  }

}
