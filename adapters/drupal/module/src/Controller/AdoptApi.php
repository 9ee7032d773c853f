<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Controller;

use Drupal\commerce_connector\Adopt;
use Drupal\commerce_connector\Received;
use Drupal\commerce_connector\Writes;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;

/**
 * The part of the site API about pages that were here before.
 */
final class AdoptApi {

  private const PAGE = 500;
  private const DOCUMENTS = 100;

  public function __construct(private readonly Adopt $adopt, private readonly Writes $writes) {}

  /**
   * GET /candidates.
   */
  public function candidates(Request $request): JsonResponse {
    $types = array_values(array_filter(explode(',', Received::query($request, 'types')), static fn (string $type): bool => $type !== ''));
    $limit = min(self::PAGE, max(1, Received::number(Received::query($request, 'limit'), 200)));
    return self::answer($this->adopt->candidates($types, Received::number(Received::query($request, 'after'), 0), $limit));
  }

  /**
   * POST /adopt.
   */
  public function adopt(Request $request): JsonResponse {
    [$backend, $items] = Received::writes($request, ['product'], self::DOCUMENTS);
    foreach ($items as $item) {
      Received::check(is_string($item->cms_id ?? NULL) && preg_match('/^[0-9]{1,18}\z/', $item->cms_id), 'cms_id is malformed');
    }
    return self::answer(['receipts' => $this->writes->run($items, ['content'], $this->adopt->of($backend))]);
  }

  private static function answer(array $value): JsonResponse {
    $response = new JsonResponse(NULL, 200, ['Cache-Control' => 'no-store']);
    return $response->setEncodingOptions(JSON_UNESCAPED_SLASHES)->setData($value);
  }

}
