<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Controller;

use Drupal\commerce_connector\Shop\Forms;
use Drupal\commerce_connector\Shop\Parts;
use Drupal\commerce_connector\Shop\Relay;
use Drupal\commerce_connector\Shop\Shopper;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\Exception\NotFoundHttpException;

/**
 * The pages of cart and checkout, and the cart that script and server share.
 */
final class ShopPages {

  private const MOST_BYTES = 4096;

  public function __construct(
    private readonly Relay $relay,
    private readonly Shopper $shopper,
    private readonly Forms $forms,
    private readonly Parts $parts,
  ) {}

  /**
   * The cart; takes what its forms and those of products ask.
   */
  public function cart(Request $request): array|Response {
    $this->needsRelay();
    return $this->forms->take($request) ?? $this->parts->ownCart();
  }

  /**
   * The checkout, step by step.
   */
  public function checkout(Request $request): array|Response {
    $this->needsRelay();
    $step = $request->query->all()[Forms::STEP] ?? '';
    $sent = $request->request->all()[Forms::FIELD] ?? '';
    return $this->forms->take($request) ?? $this->parts->ownCheckout(match (TRUE) {
      $sent === 'complete' => 'review',
      is_string($sent) && $sent !== '' && $sent !== 'checkout' => $sent,
      default => is_string($step) ? $step : '',
    });
  }

  /**
   * Tells a script of ours the token that the server keeps, or takes its own.
   */
  public function share(Request $request): JsonResponse {
    $this->needsRelay();
    if (!str_starts_with(strtolower((string) $request->headers->get('content-type', '')), 'application/json') || $this->shopper->sentBy() !== 'us') {
      return new JsonResponse(['code' => 'commerce_connector_not_ours'], 403);
    }
    $said = json_decode(substr($request->getContent(), 0, self::MOST_BYTES), TRUE);
    if (is_array($said) && array_key_exists('token', $said)) {
      $token = Shopper::isToken($said['token']) ? $said['token'] : '';
      if ($token !== $this->shopper->token()) {
        $this->shopper->keep($token);
      }
    }
    return new JsonResponse(['token' => $this->shopper->token() ?: NULL]);
  }

  private function needsRelay(): void {
    if (!$this->relay->isThere()) {
      throw new NotFoundHttpException('Nothing can be bought here: the settings of Commerce Connector name no relay.');
    }
  }

}
