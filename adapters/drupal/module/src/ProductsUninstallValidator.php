<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;
use Drupal\Core\Extension\ModuleUninstallValidatorInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;
use Drupal\Core\Url;

/**
 * Keeps the module from being uninstalled while pages depend on it.
 *
 * Core would remove the content type and leave its nodes without one.
 */
final class ProductsUninstallValidator implements ModuleUninstallValidatorInterface {

  use StringTranslationTrait;

  public function __construct(private readonly Connection $database, TranslationInterface $string_translation) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * {@inheritdoc}
   */
  public function validate($module) {
    if ($module !== 'commerce_connector' || !$this->database->schema()->tableExists('commerce_connector_bindings')) {
      return [];
    }
    $bound = (int) $this->database->query('SELECT COUNT(*) FROM {commerce_connector_bindings}')->fetchField();
    $own = (int) $this->database->query("SELECT COUNT(*) FROM {node_field_data} WHERE [type] = 'commerce_product' AND [default_langcode] = 1")->fetchField();
    $pictures = (int) $this->database->query("SELECT COUNT(*) FROM {media} WHERE [bundle] = 'commerce_image'")->fetchField();
    return $bound + $own + $pictures === 0 ? [] : [
      $this->t('There are products, categories or pictures of the backend. <a href=":url">Remove them</a> first.', [':url' => Url::fromRoute('commerce_connector.remove')->toString()]),
    ];
  }

}
