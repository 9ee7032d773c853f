<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Shop;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Uuid\UuidInterface;
use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\commerce_connector\Secrets;
use Drupal\commerce_connector\Signature;
use GuzzleHttp\ClientInterface;
use GuzzleHttp\Exception\GuzzleException;
use Psr\Log\LoggerInterface;

/**
 * The relay, asked from this server: signed actions in a shopper's name.
 *
 * Signed with the secrets that the daemon signs with, so that there is none to
 * add. An action with the same id happens once. Knows no page and no cookie.
 */
final class Relay {

  public const ADDRESS = '#^https?://[^/?\#\s@]+(/[^?\#\s]*)?/v1/[A-Za-z0-9_.-]+\z#';
  private const PROBLEM = 'urn:commerce-connector:problem:';
  private const UNSURE = ['away', 'under-way', 'outcome-unknown', 'engine-away', 'busy', 'unavailable', 'rate'];
  private const TIMEOUT_SECONDS = 12;
  private const TRIES = 3;
  private const LONGEST_WAIT_SECONDS = 2;

  public function __construct(
    private readonly ConfigFactoryInterface $config,
    private readonly Secrets $secrets,
    private readonly ClientInterface $http,
    private readonly TimeInterface $time,
    private readonly UuidInterface $uuids,
    private readonly LoggerInterface $logger,
    private readonly Shopper $shopper,
  ) {}

  /**
   * The relay's address for this site; "" where nothing can be bought here.
   */
  public function address(): string {
    return (string) $this->config->get('commerce_connector.settings')->get('relay');
  }

  /**
   * Whether shoppers can buy here.
   */
  public function isThere(): bool {
    return $this->address() !== '' && $this->secrets->valid();
  }

  /**
   * The script that upgrades the pages' markup; the relay serves it.
   */
  public static function script(string $address): string {
    return dirname($address, 2) . '/storefront/commerce.js';
  }

  /**
   * Asks for one operation of the relay, and waits for its answer.
   *
   * What is over in a moment is asked again, with the same id.
   *
   * @param string $action
   *   Operation.
   * @param string $token
   *   The cart's; "" where it needs none.
   * @param array $body
   *   What the operation is given.
   * @param string $id
   *   The same for one intention; "": a new one.
   * @param array $more
   *   Line or code.
   *
   * @return array
   *   Status (0: no answer) and body.
   */
  public function ask(string $action, string $token, array $body = [], string $id = '', array $more = []): array {
    $wish = ['action' => $action, 'body' => (object) $body] + $more + array_filter(['token' => $token, 'client' => $this->shopper->client()], 'strlen');
    $content = json_encode($wish, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR);
    $id = $id === '' ? 'act_' . $this->uuids->generate() : $id;
    $until = $this->time->getCurrentTime() + self::TIMEOUT_SECONDS;
    for ($tried = 1;; $tried++) {
      [$answer, $wait] = $this->once($id, $content);
      if ($wait === NULL || $wait > self::LONGEST_WAIT_SECONDS || $tried >= self::TRIES || $this->time->getCurrentTime() + $wait >= $until) {
        return $answer;
      }
      sleep($wait);
    }
  }

  /**
   * The word that says what went wrong; "" where nothing did.
   */
  public static function problem(array $answer): string {
    if ($answer['status'] === 200) {
      return '';
    }
    $type = (string) ($answer['body']['type'] ?? '');
    return str_starts_with($type, self::PROBLEM) ? substr($type, strlen(self::PROBLEM)) : 'away';
  }

  /**
   * Whether it may have happened, or may yet: the same is asked again.
   */
  public static function isUnsure(string $problem): bool {
    return in_array($problem, self::UNSURE, TRUE);
  }

  /**
   * One request.
   *
   * @return array
   *   Answer, and after how many seconds the same may be asked again (NULL: no
   *   more).
   */
  private function once(string $id, string $content): array {
    $address = $this->address();
    try {
      $response = $this->http->request('POST', dirname($address) . '/actions?site=' . rawurlencode(basename($address)), [
        'timeout' => self::TIMEOUT_SECONDS,
        'allow_redirects' => FALSE,
        'http_errors' => FALSE,
        'headers' => ['content-type' => 'application/json'] + $this->signature($id, $content),
        'body' => $content,
      ]);
    }
    catch (GuzzleException $error) {
      $this->logger->error('The relay does not answer: @why', ['@why' => $error->getMessage()]);
      return [['status' => 0, 'body' => []], 0];
    }
    $status = $response->getStatusCode();
    $body = json_decode((string) $response->getBody(), TRUE);
    $after = $response->getHeaderLine('retry-after');
    $answer = is_array($body) ? ['status' => $status, 'body' => $body] : ['status' => 0, 'body' => []];
    return [$answer, $status !== 200 && ctype_digit($after) ? (int) $after : NULL];
  }

  /**
   * The headers that prove who asks, by each secret that holds.
   *
   * The daemon may know only the older one.
   */
  private function signature(string $id, string $content): array {
    $now = (string) $this->time->getCurrentTime();
    $signatures = array_map(static fn (array $one): string => Signature::sign($one['secret'], $id, $now, $content), $this->secrets->valid());
    return ['webhook-id' => $id, 'webhook-timestamp' => $now, 'webhook-signature' => implode(' ', $signatures)];
  }

}
