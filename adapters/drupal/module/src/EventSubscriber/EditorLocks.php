<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\EventSubscriber;

use Drupal\Component\Uuid\Uuid;
use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Lock\LockBackendInterface;
use Drupal\commerce_connector\Authentication\SignedRequest;
use Drupal\commerce_connector\Pages;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpKernel\Event\RequestEvent;
use Symfony\Component\HttpKernel\Exception\ConflictHttpException;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * One save at a time of a product's node, ours and editors' together.
 *
 * Core saves whole entities without a lock: of two saves at once one is lost,
 * or the node is left so that JSON:API refuses it for good. So the lock is
 * taken before routing loads the node, and kept until the answer. The daemon's
 * writes hold a row of the fences table; an editor's request takes its own lock
 * first, then waits for that row, while a write takes the row first, then looks
 * whether an editor's lock is there: neither can miss the other.
 */
final class EditorLocks implements EventSubscriberInterface {

  private const SECONDS = 30.0;
  private const WAIT_SECONDS = 10;

  /**
   * Name of the lock that this request holds.
   */
  private ?string $held = NULL;

  public function __construct(
    private readonly Connection $database,
    private readonly LockBackendInterface $lock,
    private readonly EntityTypeManagerInterface $entityTypes,
  ) {}

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    // After the maintenance of sessions, before authentication and routing.
    return [
      KernelEvents::REQUEST => ['take', 290],
      KernelEvents::RESPONSE => ['leave', -1000],
      KernelEvents::EXCEPTION => ['leave', -1000],
    ];
  }

  /**
   * Takes the lock of the product that a request would save.
   */
  public function take(RequestEvent $event): void {
    $request = $event->getRequest();
    if (!$event->isMainRequest() || $request->isMethodSafe() || SignedRequest::isOurs($request)) {
      return;
    }
    $binding = $this->binding($request->getPathInfo());
    if (!$binding) {
      return;
    }
    $name = Pages::lockName($binding->object_id);
    if (!$this->lock->acquire($name, self::SECONDS)) {
      $this->lock->wait($name, self::WAIT_SECONDS);
      if (!$this->lock->acquire($name, self::SECONDS)) {
        throw new ConflictHttpException('Another request saves this product just now. Send it again.');
      }
    }
    $this->held = $name;
    $this->database->update('commerce_connector_fences')->expression('lane', 'lane')->condition('fence_key', "content:$binding->subject_key")->execute();
    $this->entityTypes->getStorage('node')->resetCache([$binding->object_id]);
  }

  /**
   * Leaves the lock.
   */
  public function leave(): void {
    if ($this->held !== NULL) {
      $this->lock->release($this->held);
      $this->held = NULL;
    }
  }

  /**
   * The binding of the node that an address names, by id or by UUID.
   */
  private function binding(string $path): object|false {
    $where = match (TRUE) {
      preg_match('#/node/(\d{1,10})(/|\z)#', $path, $found) === 1 => 'n.[nid] = :id',
      preg_match('#/(' . Uuid::VALID_PATTERN . ')(/|\z)#i', $path, $found) === 1 => 'n.[uuid] = :id',
      default => NULL,
    };
    return $where ? $this->database->query("SELECT b.[subject_key], b.[object_id] FROM {node} n INNER JOIN {commerce_connector_bindings} b ON b.[kind] = 'product' AND b.[object_id] = n.[nid] WHERE $where", [':id' => strtolower($found[1])])->fetchObject() : FALSE;
  }

}
