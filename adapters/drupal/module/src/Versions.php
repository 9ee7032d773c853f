<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

/**
 * Which versions of the site API this module and a daemon have in common. Pure.
 */
final class Versions {

  /**
   * Header of a request: the versions that the daemon speaks, parted by commas.
   */
  public const HEADER = 'commerce-connector-api';

  /**
   * The versions that this module speaks.
   */
  public const SPOKEN = [1];

  /**
   * Why a daemon cannot be served, and the fix; "" where it can.
   *
   * @param string $offered
   *   The header; "" says 1.
   */
  public static function misfit(string $offered): string {
    $theirs = array_map('intval', explode(',', $offered === '' ? '1' : substr($offered, 0, 100)));
    if (array_intersect(self::SPOKEN, $theirs)) {
      return '';
    }
    $fix = max($theirs) < min(self::SPOKEN) ? 'The connector is too old for this module: update the connector' : 'This module is too old for the connector: install the one that `connector plugin build --system drupal` makes';
    return sprintf('%s (the connector speaks version %s of the site API, the module version %s).', $fix, implode(', ', $theirs), implode(', ', self::SPOKEN));
  }

}
