<?php

/**
 * @file
 * Lets PHPUnit find the module's classes, and as much of core as they need.
 */

declare(strict_types=1);

const MODULE = __DIR__ . '/../../../../adapters/drupal/module';

require __DIR__ . '/stubs.php';
spl_autoload_register(static function (string $class): void {
  $path = str_replace(['Drupal\\commerce_connector\\', '\\'], ['', '/'], $class);
  is_file(MODULE . "/src/$path.php") && require MODULE . "/src/$path.php";
});
