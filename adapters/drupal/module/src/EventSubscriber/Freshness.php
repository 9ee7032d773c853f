<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\EventSubscriber;

use Drupal\Core\Cache\CacheTagsInvalidatorInterface;
use Drupal\Core\Cache\CacheableResponseInterface;
use Drupal\Core\Config\ConfigCrudEvent;
use Drupal\Core\Config\ConfigEvents;
use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\commerce_connector\Offers;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpKernel\Event\ResponseEvent;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * Browsers and proxies ask again soon for pages that show prices.
 *
 * Drupal's own caches learn of a new price by its cache tag; those outside do
 * not, and would show the old one as long as the site lets them keep pages.
 */
final class Freshness implements EventSubscriberInterface {

  public function __construct(
    private readonly ConfigFactoryInterface $config,
    private readonly CacheTagsInvalidatorInterface $invalidator,
  ) {}

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    // After core has set what the site allows.
    return [
      KernelEvents::RESPONSE => ['shorten', -50],
      ConfigEvents::SAVE => 'relearn',
    ];
  }

  /**
   * Lets go of the library of elements where the relay is another one now.
   */
  public function relearn(ConfigCrudEvent $event): void {
    if ($event->getConfig()->getName() === 'commerce_connector.settings' && $event->isChanged('relay')) {
      $this->invalidator->invalidateTags(['library_info']);
    }
  }

  /**
   * Shortens the time for which a page with prices may be kept.
   */
  public function shorten(ResponseEvent $event): void {
    $response = $event->getResponse();
    $most = $this->config->get('commerce_connector.settings')->get('browser_max_age');
    if (!is_int($most) || !$response instanceof CacheableResponseInterface || $response->headers->getCacheControlDirective('max-age') <= $most) {
      return;
    }
    $prefix = Offers::tag('');
    foreach ($response->getCacheableMetadata()->getCacheTags() as $tag) {
      if (str_starts_with($tag, $prefix)) {
        $response->headers->addCacheControlDirective('max-age', (string) $most);
        return;
      }
    }
  }

}
