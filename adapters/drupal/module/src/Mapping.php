<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Entity\EntityFieldManagerInterface;
use Drupal\Core\Entity\EntityTypeBundleInfoInterface;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Entity\Sql\SqlContentEntityStorage;
use Drupal\Core\Language\LanguageManagerInterface;

/**
 * Where things of a backend stand in this site: bundle, fields, vocabularies.
 *
 * Reads settings and definitions, never content.
 */
final class Mapping {

  /**
   * Fields of a product that are fields of the node, in any language.
   */
  public const TEXTS = ['title', 'subtitle', 'description'];

  /**
   * Fields of a product that are references of the node.
   */
  public const LISTS = ['categories', 'tags', 'media'];

  public function __construct(
    private readonly ConfigFactoryInterface $config,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly EntityFieldManagerInterface $fields,
    private readonly EntityTypeBundleInfoInterface $bundles,
    private readonly LanguageManagerInterface $languages,
  ) {}

  /**
   * A setting.
   */
  public function setting(string $name): string {
    return (string) $this->config->get('commerce_connector.settings')->get($name);
  }

  /**
   * The node type that shows products.
   */
  public function bundle(): string {
    return $this->setting('bundle');
  }

  /**
   * The field of the node for a field of a product; "" where there is none.
   */
  public function field(string $name): string {
    return $name === 'title' ? 'title' : $this->setting("fields.$name");
  }

  /**
   * Table and column of a field of the node, main property.
   *
   * @return string[]|null
   *   NULL where the field is not there.
   */
  public function column(string $name): ?array {
    $field = $this->field($name);
    $definition = $field === '' ? NULL : ($this->fields->getFieldStorageDefinitions('node')[$field] ?? NULL);
    $storage = $this->entityTypes->getStorage('node');
    if (!$definition || !$storage instanceof SqlContentEntityStorage) {
      return NULL;
    }
    $mapping = $storage->getTableMapping();
    return [
      $mapping->getFieldTableName($field),
      $mapping->getFieldColumnName($definition, (string) $definition->getMainPropertyName()),
    ];
  }

  /**
   * The text of the node that a field of a product is: its name and language.
   *
   * @param string $field
   *   Like title or description@fr-FR.
   *
   * @return string[]|null
   *   Name and langcode ("": the node's own); NULL where it is no text of the
   *   node, but a value of its own.
   */
  public function text(string $field): ?array {
    [$name, $locale] = explode('@', $field, 2) + [1 => ''];
    if (!in_array($name, self::TEXTS, TRUE) || $this->field($name) === '') {
      return NULL;
    }
    if ($locale === '') {
      return [$name, ''];
    }
    $langcode = $this->isMultilingual() ? $this->langcode($locale) : NULL;
    return $langcode === NULL || $langcode === $this->defaultLangcode() ? NULL : [$name, $langcode];
  }

  /**
   * The language of a locale: fr-fr, else fr.
   */
  public function langcode(string $locale): ?string {
    foreach ([strtolower($locale), strtolower((string) strtok($locale, '-'))] as $langcode) {
      if ($this->languages->getLanguage($langcode)) {
        return $langcode;
      }
    }
    return NULL;
  }

  /**
   * The language in which pages are made.
   */
  public function defaultLangcode(): string {
    return $this->languages->getDefaultLanguage()->getId();
  }

  /**
   * Whether pages have translations.
   */
  public function isMultilingual(): bool {
    $bundles = $this->bundles->getBundleInfo('node');
    return $this->languages->isMultilingual() && !empty($bundles[$this->bundle()]['translatable']);
  }

  /**
   * What keeps this site from taking products, with the fix; NULL: nothing.
   */
  public function problem(): ?string {
    $bundle = $this->bundle();
    if (!$this->entityTypes->getStorage('node_type')->load($bundle)) {
      return "The content type $bundle is not there: choose one on Configuration > Web services > Commerce Connector, or install the module anew.";
    }
    $definitions = $this->fields->getFieldDefinitions('node', $bundle);
    foreach (['description', 'categories', 'tags'] as $name) {
      if ($this->field($name) !== '' && !isset($definitions[$this->field($name)])) {
        return "The field {$this->field($name)} of content type $bundle is not there: add it, or choose another one in the module's settings.";
      }
    }
    $ours = array_map([$this, 'field'], [...self::TEXTS, ...self::LISTS]);
    foreach ($definitions as $name => $definition) {
      $is_base = $definition->getFieldStorageDefinition()->isBaseField();
      if ($definition->isRequired() && !$is_base && !in_array($name, $ours, TRUE) && !$definition->getDefaultValueLiteral() && !$definition->getDefaultValueCallback()) {
        return "The field $name of content type $bundle is required and the backend does not have it: give it a default value, or make it optional.";
      }
    }
    foreach (['category_vocabulary' => 'taxonomy_vocabulary', 'tag_vocabulary' => 'taxonomy_vocabulary', 'text_format' => 'filter_format'] as $setting => $type) {
      $entity = $this->entityTypes->getStorage($type)->load($this->setting($setting));
      if (!$entity || !$entity->status()) {
        return "The $setting {$this->setting($setting)} is not there: make it, or choose another one in the module's settings.";
      }
    }
    $role = $this->entityTypes->getStorage('user_role')->load(Role::NAME);
    if (!$role || !$role->hasPermission("use text format {$this->setting('text_format')}")) {
      return "The role commerce_connector may not use the text format {$this->setting('text_format')}: save the module's settings, which grants it.";
    }
    return NULL;
  }

  /**
   * What works, but not as well as it could, each with the fix.
   *
   * @return string[]
   *   Sentences.
   */
  public function notes(): array {
    $notes = [];
    if (!$this->entityTypes->getStorage('media_type')->load($this->setting('media_type'))) {
      $notes[] = "The media type {$this->setting('media_type')} is not there: pictures are not taken.";
    }
    if ($this->languages->isMultilingual() && !$this->isMultilingual()) {
      $notes[] = "The site has several languages, and content type {$this->bundle()} is not translatable: switch that on, and pages get translations.";
    }
    return $notes;
  }

}
