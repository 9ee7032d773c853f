<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;

/**
 * Removes everything that came from a backend, some at a time.
 *
 * Nodes that were here before and were adopted stay, unless their content type
 * is the module's own, which goes with it.
 */
final class Removal {

  private const AT_ONCE = 50;

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
  ) {}

  /**
   * Removes some of it; answers whether there is more.
   */
  public function some(): bool {
    Events::pause();
    foreach (['product' => 'node', 'category' => 'taxonomy_term'] as $kind => $type) {
      $bound = $this->database->queryRange('SELECT [object_id], [bases] FROM {commerce_connector_bindings} WHERE [kind] = :kind ORDER BY [id]', 0, self::AT_ONCE, [':kind' => $kind])->fetchAllKeyed();
      if ($bound) {
        $this->delete($type, array_keys(array_filter($bound, static fn (?string $bases): bool => empty(json_decode((string) $bases)->adopted))));
        $this->database->delete('commerce_connector_bindings')->condition('kind', $kind)->condition('object_id', array_keys($bound), 'IN')->execute();
        return TRUE;
      }
    }
    $bundles = ['node' => ['type', ['commerce_product']], 'taxonomy_term' => ['vid', ['commerce_categories', 'commerce_tags']], 'media' => ['bundle', ['commerce_image']]];
    foreach ($bundles as $type => [$column, $values]) {
      $ids = $this->entityTypes->getStorage($type)->getQuery()->accessCheck(FALSE)->condition($column, $values, 'IN')->range(0, self::AT_ONCE)->execute();
      if ($ids) {
        $this->delete($type, $ids);
        return TRUE;
      }
    }
    $pictures = $this->database->queryRange('SELECT [object_id] FROM {commerce_connector_media} WHERE [object_id] > 0', 0, self::AT_ONCE)->fetchCol();
    if ($pictures) {
      $this->delete('media', $pictures);
      $this->database->delete('commerce_connector_media')->condition('object_id', $pictures, 'IN')->execute();
      return TRUE;
    }
    foreach (['fences', 'offers', 'values', 'media', 'events', 'requests'] as $table) {
      $this->database->truncate("commerce_connector_$table")->execute();
    }
    return FALSE;
  }

  /**
   * Deletes entities, and of pictures the files.
   */
  private function delete(string $type, array $ids): void {
    $storage = $this->entityTypes->getStorage($type);
    $entities = $storage->loadMultiple($ids);
    $files = [];
    foreach ($type === 'media' ? $entities : [] as $media) {
      $files[] = (int) $media->getSource()->getSourceFieldValue($media);
    }
    $storage->delete($entities);
    $file_storage = $this->entityTypes->getStorage('file');
    $file_storage->delete($file_storage->loadMultiple(array_filter($files)));
  }

}
