<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\PageCache;

use Drupal\Core\PageCache\RequestPolicyInterface;
use Drupal\commerce_connector\Authentication\SignedRequest;
use Symfony\Component\HttpFoundation\Request;

/**
 * Keeps answers of the site API out of the page cache.
 *
 * The page cache comes before authentication: without this, an answer to a
 * signed request would be served to anybody.
 */
final class DenySiteApi implements RequestPolicyInterface {

  /**
   * {@inheritdoc}
   */
  public function check(Request $request) {
    return SignedRequest::isOurs($request) ? self::DENY : NULL;
  }

}
