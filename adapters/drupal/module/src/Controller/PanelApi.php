<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Controller;

use Drupal\commerce_connector\Panel\Requests;
use Drupal\commerce_connector\Panel\Summary;
use Drupal\commerce_connector\Received;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;

/**
 * The part of the site API about what editors see and ask.
 */
final class PanelApi {

  private const ANSWERS = 500;
  private const STANDINGS = ['working', 'done', 'refused', 'failed'];

  public function __construct(private readonly Summary $summaries, private readonly Requests $requests) {}

  /**
   * POST /summary.
   */
  public function summary(Request $request): JsonResponse {
    $body = Received::body($request);
    $backend = Received::backend($body->backend ?? NULL);
    Received::check(is_object($body->summary ?? NULL), 'summary is no object');
    $this->summaries->write($backend, $body->summary);
    return self::answer(['written' => TRUE]);
  }

  /**
   * POST /answers.
   */
  public function answers(Request $request): JsonResponse {
    $body = Received::body($request);
    $backend = Received::backend($body->backend ?? NULL);
    Received::check(is_array($body->items ?? NULL) && count($body->items) <= self::ANSWERS, 'items is no list of at most 500');
    foreach ($body->items as $item) {
      Received::check(is_object($item) && is_string($item->request ?? NULL) && in_array($item->standing ?? NULL, self::STANDINGS, TRUE) && is_string($item->code ?? NULL) && is_string($item->says ?? NULL), 'an answer is malformed');
    }
    return self::answer(['written' => $this->requests->answer($backend, $body->items)]);
  }

  private static function answer(array $value): JsonResponse {
    return (new JsonResponse(NULL, 200, ['Cache-Control' => 'no-store']))->setEncodingOptions(JSON_UNESCAPED_SLASHES)->setData($value);
  }

}
