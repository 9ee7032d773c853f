<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Exception;

/**
 * A request that its sender must mend.
 */
final class BadRequest extends \RuntimeException {}
