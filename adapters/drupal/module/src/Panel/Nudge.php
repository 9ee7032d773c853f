<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Panel;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Uuid\UuidInterface;
use Drupal\commerce_connector\Secrets;
use Drupal\commerce_connector\Signature;
use GuzzleHttp\ClientInterface;
use GuzzleHttp\Exception\GuzzleException;
use Psr\Log\LoggerInterface;

/**
 * Tells the daemon to look at once. Without it, it looks soon anyway.
 */
final class Nudge {

  private const TIMEOUT_SECONDS = 2;

  public function __construct(
    private readonly Summary $summary,
    private readonly Secrets $secrets,
    private readonly ClientInterface $http,
    private readonly UuidInterface $uuids,
    private readonly TimeInterface $time,
    private readonly LoggerInterface $logger,
  ) {}

  /**
   * Nudges the daemon of a backend, where its summary says how.
   */
  public function send(string $backend): void {
    $address = $this->summary->of($backend)['nudge'] ?? NULL;
    $secret = $this->secrets->valid()[0]['secret'] ?? NULL;
    if (!is_string($address) || !preg_match('#^https?://#', $address) || !$secret) {
      return;
    }
    $target = implode('/', array_slice(explode('/', (string) parse_url($address, PHP_URL_PATH)), -2));
    [$id, $now] = ['msg_' . $this->uuids->generate(), (string) $this->time->getCurrentTime()];
    try {
      $this->http->request('POST', $address, [
        'timeout' => self::TIMEOUT_SECONDS,
        'allow_redirects' => FALSE,
        'http_errors' => FALSE,
        'headers' => [
          'content-type' => 'application/json',
          'webhook-id' => $id,
          'webhook-timestamp' => $now,
          'webhook-signature' => Signature::sign($secret, $id, $now, "POST /$target\n{}"),
        ],
        'body' => '{}',
      ]);
    }
    catch (GuzzleException $error) {
      $this->logger->notice('The daemon could not be told to look at once: @why', ['@why' => $error->getMessage()]);
    }
  }

}
