<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\EventSubscriber;

use Drupal\Core\Cache\CacheableMetadata;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Routing\LocalRedirectResponse;
use Drupal\Core\Url;
use Drupal\commerce_connector\Mapping;
use Drupal\commerce_connector\Retire;
use Drupal\node\NodeInterface;
use Drupal\path_alias\AliasManagerInterface;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpKernel\Event\ExceptionEvent;
use Symfony\Component\HttpKernel\Event\RequestEvent;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;
use Symfony\Component\HttpKernel\Exception\GoneHttpException;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * What visitors get at old addresses, and at those of products not sold any more.
 */
final class Addresses implements EventSubscriberInterface {

  public function __construct(
    private readonly Connection $database,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly Mapping $mapping,
    private readonly AliasManagerInterface $aliasManager,
  ) {}

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    return [
      // After routing (32), before the dynamic page cache (27) answers.
      KernelEvents::REQUEST => ['leadOn', 30],
      KernelEvents::EXCEPTION => ['answerGone', 60],
    ];
  }

  /**
   * The cache tag of what is answered in a page's place.
   */
  public static function tag(int|string $node): string {
    return "commerce_connector_address:$node";
  }

  /**
   * Leads from an old alias of a product to its present one, for good.
   */
  public function leadOn(RequestEvent $event): void {
    $request = $event->getRequest();
    $node = $event->isMainRequest() && $request->isMethodCacheable() ? $this->node($request) : NULL;
    $path = rawurldecode($request->getPathInfo());
    if (!$node || $path === "/node/{$node->id()}") {
      return;
    }
    $aliases = $this->database->query('SELECT [alias] FROM {path_alias} WHERE [path] = :path AND [status] = 1 AND [langcode] IN (:langcodes[]) ORDER BY [id]', [
      ':path' => "/node/{$node->id()}",
      ':langcodes[]' => [$node->language()->getId(), 'und'],
    ])->fetchCol();
    if (count($aliases) > 1 && end($aliases) !== $path && in_array($path, $aliases, TRUE) && $this->retired($node) !== NULL) {
      // Since Drupal 11.3 it takes the alias that was asked for, for the present one.
      $this->aliasManager->cacheClear("/node/{$node->id()}");
      $event->setResponse(self::to($node->toUrl('canonical', ['query' => $request->query->all()]), 301, $node));
    }
  }

  /**
   * Answers for a product that went off sale with a redirect, or as gone.
   *
   * The redirect is temporary: the product may come back.
   */
  public function answerGone(ExceptionEvent $event): void {
    if (!$event->isMainRequest() || !$event->getThrowable() instanceof AccessDeniedHttpException) {
      return;
    }
    $node = $this->node($event->getRequest());
    $retired = $node && !$node->isPublished() ? $this->retired($node) : NULL;
    if ($retired === Retire::REDIRECT) {
      $event->setResponse(self::to($this->category($node), 302, $node));
    }
    elseif ($retired === Retire::GONE) {
      $event->setThrowable(new GoneHttpException('This product is no longer available.', $event->getThrowable()));
    }
  }

  /**
   * The product whose page is asked for.
   */
  private function node(Request $request): ?NodeInterface {
    $node = $request->attributes->get('node');
    $is_page = $request->attributes->get('_route') === 'entity.node.canonical';
    return $is_page && $node instanceof NodeInterface && $node->bundle() === $this->mapping->bundle() ? $node : NULL;
  }

  /**
   * How a product is retired; NULL where the node is none of a backend.
   */
  private function retired(NodeInterface $node): ?int {
    $found = $this->database->query("SELECT [retired] FROM {commerce_connector_bindings} WHERE [kind] = 'product' AND [object_id] = :id", [':id' => $node->id()])->fetchField();
    return $found === FALSE ? NULL : (int) $found;
  }

  /**
   * Where visitors of a product are sent: its deepest category, or the home page.
   */
  private function category(NodeInterface $node): Url {
    $field = $this->mapping->field('categories');
    $storage = $this->entityTypes->getStorage('taxonomy_term');
    $best = NULL;
    $deepest = 0;
    foreach ($node->hasField($field) ? $node->get($field)->referencedEntities() : [] as $term) {
      $depth = count($storage->loadAllParents($term->id()));
      if ($depth > $deepest) {
        [$best, $deepest] = [$term, $depth];
      }
    }
    return $best ? $best->toUrl() : Url::fromRoute('<front>');
  }

  private static function to(Url $url, int $status, NodeInterface $node): LocalRedirectResponse {
    $target = $url->setAbsolute()->toString(TRUE)->getGeneratedUrl();
    $response = new LocalRedirectResponse($target, $status);
    $metadata = (new CacheableMetadata())->setCacheTags([...$node->getCacheTags(), self::tag($node->id()), 'path_alias_list'])->setCacheContexts(['url', 'user.permissions']);
    return $response->addCacheableDependency($metadata);
  }

}
