<?php

declare(strict_types=1);

use PHPUnit\Framework\TestCase;

require_once MODULE . '/commerce_connector.module';
require_once MODULE . '/commerce_connector.install';

/**
 * When the daemon's role is made.
 */
final class InstallingTest extends TestCase {

  /**
   * @testWith [["node"], false, 0]
   *           [["commerce_connector"], true, 0]
   *           [["node", "commerce_connector"], false, 1]
   */
  public function testTheRoleIsMadeOnceConfigurationIsThere(array $modules, bool $is_syncing, int $times): void {
    $role = new class() {

      public int $made = 0;

      public function make(): void {
        $this->made++;
      }

    };
    Drupal::$services['commerce_connector.role'] = $role;
    commerce_connector_modules_installed($modules, $is_syncing);
    self::assertSame($times, $role->made);
  }

  public function testNothingIsMadeBeforeThat(): void {
    self::assertFalse(function_exists('commerce_connector_install'), 'In hook_install() Drupal 11 has no text format yet.');
  }

}
