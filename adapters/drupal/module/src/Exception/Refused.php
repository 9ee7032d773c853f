<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Exception;

/**
 * The request as a whole cannot be served: a status, a code, and what to do.
 */
final class Refused extends \RuntimeException {

  public function __construct(public readonly int $status, public readonly string $reason, string $message) {
    parent::__construct($message);
  }

}
