<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Exception;

/**
 * One item failed for reasons of its own; the others go on without it.
 */
final class ItemFailed extends \RuntimeException {

  public function __construct(public readonly string $key, string $message) {
    parent::__construct($message);
  }

}
