<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\EventSubscriber;

use Drupal\commerce_connector\Shop\Shopper;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpKernel\Event\ResponseEvent;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * Answers about a shopper's cart: kept by nobody, framed by nobody, cookies set.
 */
final class PrivatePages implements EventSubscriberInterface {

  private const ROUTES = 'commerce_connector.shop.';

  public function __construct(private readonly Shopper $shopper) {}

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    // After core has set what caches may do.
    return [KernelEvents::RESPONSE => ['guard', -60]];
  }

  /**
   * Guards an answer of the shop's pages.
   */
  public function guard(ResponseEvent $event): void {
    if (!$event->isMainRequest() || !str_starts_with((string) $event->getRequest()->attributes->get('_route'), self::ROUTES)) {
      return;
    }
    $response = $event->getResponse();
    $response->headers->set('Cache-Control', 'private, no-store, max-age=0');
    $response->headers->set('Content-Security-Policy', "frame-ancestors 'self'", FALSE);
    $response->headers->set('X-Robots-Tag', 'noindex');
    $this->shopper->putOn($response);
  }

}
