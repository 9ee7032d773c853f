<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

/**
 * Keys, fingerprints and JSON: pure, and the same everywhere.
 *
 * Identity is a hash of the ids, because collations of databases fold case and
 * ids of backends may differ in case alone.
 */
final class Keys {

  /**
   * The key of a product or category of a backend: 32 hex digits.
   */
  public static function subject(string $backend, string $kind, string $id): string {
    return substr(hash('sha256', "$backend\n$kind\n$id"), 0, 32);
  }

  /**
   * The key of an offer among those of its product.
   */
  public static function row(string $variant, string $market, int $min_quantity): string {
    return substr(hash('sha256', "$variant\n$market\n$min_quantity"), 0, 32);
  }

  /**
   * The fingerprint of a raw value, "" where nothing is stored.
   */
  public static function hash(?string $raw): string {
    return $raw === NULL ? '' : substr(hash('sha256', $raw), 0, 16);
  }

  /**
   * JSON in ASCII, so that equal values are equal bytes in any charset.
   */
  public static function json(mixed $value): string {
    return json_encode($value, JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION | JSON_THROW_ON_ERROR);
  }

  /**
   * A JSON object with some values put in.
   */
  public static function merged(string $json, array $values): string {
    $object = json_decode($json) ?? new \stdClass();
    foreach ($values as $name => $value) {
      $object->$name = $value;
    }
    return self::json($object);
  }

}
