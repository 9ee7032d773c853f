<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\EventSubscriber;

use Drupal\commerce_connector\Authentication\SignedRequest;
use Drupal\commerce_connector\Exception\BadRequest;
use Drupal\commerce_connector\Exception\Busy;
use Drupal\commerce_connector\Exception\Refused;
use Psr\Log\LoggerInterface;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpKernel\Event\ExceptionEvent;
use Symfony\Component\HttpKernel\Exception\HttpExceptionInterface;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * What goes wrong in the site API is answered as {"code", "message"}.
 */
final class ErrorAnswers implements EventSubscriberInterface {

  public function __construct(private readonly LoggerInterface $logger) {}

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    return [KernelEvents::EXCEPTION => ['answer', 300]];
  }

  /**
   * Answers for requests to the site API; others are left alone.
   */
  public function answer(ExceptionEvent $event): void {
    if (!SignedRequest::isOurs($event->getRequest())) {
      return;
    }
    $error = $event->getThrowable();
    [$status, $code, $message] = match (TRUE) {
      $error instanceof Refused => [$error->status, $error->reason, $error->getMessage()],
      $error instanceof BadRequest => [400, 'bad_request', $error->getMessage()],
      Busy::is($error) => [503, 'busy', 'The database is busy; the same request may be sent again.'],
      $error instanceof HttpExceptionInterface => [$error->getStatusCode(), NULL, 'Drupal refused the request.'],
      default => [500, 'failed', 'Drupal failed; its log says why.'],
    };
    if ($status >= 500 && !$error instanceof Refused) {
      $this->logger->error('@class: @message', ['@class' => get_class($error), '@message' => $error->getMessage()]);
    }
    $answer = ['code' => $code === NULL ? "drupal_$status" : "commerce_connector_$code", 'message' => $message];
    $headers = ['Cache-Control' => 'no-store'] + ($status === 503 ? ['Retry-After' => '1'] : []);
    $event->setResponse(new JsonResponse($answer, $status, $headers));
    $event->allowCustomResponseCode();
  }

}
