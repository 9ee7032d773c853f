<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Plugin\Action;

use Drupal\Core\Action\ActionBase;
use Drupal\Core\Plugin\ContainerFactoryPluginInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\commerce_connector\Panel\Panel;
use Drupal\commerce_connector\Panel\Requests;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Asks the daemon to hold products against the shop now.
 *
 * @Action(
 *   id = "commerce_connector_resync",
 *   label = @Translation("Resync from the shop"),
 *   type = "node"
 * )
 */
final class Resync extends ActionBase implements ContainerFactoryPluginInterface {

  private Panel $panel;
  private Requests $requests;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container, array $configuration, $plugin_id, $plugin_definition) {
    $action = new self($configuration, $plugin_id, $plugin_definition);
    $action->panel = $container->get('commerce_connector.panel');
    $action->requests = $container->get('commerce_connector.requests');
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
   * Pages that show no product of the shop are passed over.
   */
  public function executeMultiple(array $entities) {
    $bindings = array_filter(array_map($this->panel->binding(...), $entities));
    $this->requests->askAll(array_values($bindings), ['action' => 'resync']);
  }

}
