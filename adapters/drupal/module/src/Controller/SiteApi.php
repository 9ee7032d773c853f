<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Controller;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Utility\Bytes;
use Drupal\Core\Extension\ModuleExtensionList;
use Drupal\Core\Language\LanguageManagerInterface;
use Drupal\Core\Url;
use Drupal\commerce_connector\Content;
use Drupal\commerce_connector\Events;
use Drupal\commerce_connector\Exception\Refused;
use Drupal\commerce_connector\Inventory;
use Drupal\commerce_connector\Mapping;
use Drupal\commerce_connector\Media;
use Drupal\commerce_connector\Offers;
use Drupal\commerce_connector\Received;
use Drupal\commerce_connector\Retire;
use Drupal\commerce_connector\Status;
use Drupal\commerce_connector\Terms;
use Drupal\commerce_connector\Versions;
use Drupal\commerce_connector\Writes;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;

/**
 * The site API: requests checked, answers given. Decides nothing.
 *
 * The contract is adapters/site_api/openapi.yaml of the daemon.
 */
final class SiteApi {

  private const OFFER_ROWS = 500;
  private const DOCUMENTS = 100;
  private const TERMS = 100;
  private const PAGE = 500;

  public function __construct(
    private readonly Mapping $mapping,
    private readonly Writes $writes,
    private readonly Offers $offersWriter,
    private readonly Content $contentWriter,
    private readonly Terms $termsWriter,
    private readonly Retire $retireWriter,
    private readonly Media $pictures,
    private readonly Inventory $listings,
    private readonly Events $log,
    private readonly Status $notes,
    private readonly ModuleExtensionList $modules,
    private readonly LanguageManagerInterface $languages,
    private readonly TimeInterface $time,
  ) {}

  /**
   * GET /site.
   */
  public function site(): JsonResponse {
    $this->needsSetup();
    $default = $this->mapping->defaultLangcode();
    $languages = array_keys($this->languages->getLanguages());
    usort($languages, static fn (string $a, string $b): int => [$a !== $default, $a] <=> [$b !== $default, $b]);
    return self::answer([
      'system' => 'drupal',
      'version' => \Drupal::VERSION,
      'extension_version' => (string) ($this->modules->getExtensionInfo('commerce_connector')['version'] ?? ''),
      'versions' => Versions::SPOKEN,
      'locales' => $languages,
      'time' => gmdate('Y-m-d\TH:i:s\Z', $this->time->getCurrentTime()),
      'highest_fence' => $this->writes->highest(),
      'capabilities' => [
        'fences' => TRUE,
        'own_offers' => TRUE,
        'offer_rows_per_request' => self::OFFER_ROWS,
        'documents_per_request' => self::DOCUMENTS,
        'terms_per_request' => self::TERMS,
        'media' => $this->pictures->isReady(),
        'events' => TRUE,
        'multilingual' => $this->mapping->isMultilingual(),
        'merges' => TRUE,
        'adopts' => TRUE,
        'panel' => TRUE,
        'retire_policies' => array_keys(Retire::POLICIES),
        'max_body_bytes' => ((int) Bytes::toNumber((string) ini_get('post_max_size'))) ?: NULL,
      ],
      'admin_url' => str_replace('0000', '{id}', Url::fromRoute('entity.node.edit_form', ['node' => '0000'], ['absolute' => TRUE])->toString()),
      'notes' => $this->mapping->notes(),
    ]);
  }

  /**
   * POST /offers.
   */
  public function offers(Request $request): JsonResponse {
    [$backend, $items] = Received::writes($request, ['product'], PHP_INT_MAX);
    $rows = 0;
    foreach ($items as $item) {
      Received::check(is_array($item->offers ?? NULL) && array_filter($item->offers, 'is_object') === $item->offers, 'offers is no list of objects');
      $rows += max(1, count($item->offers));
    }
    Received::check($rows <= self::OFFER_ROWS || count($items) === 1, 'too many offers in one request');
    return self::answer(['receipts' => $this->offersWriter->run($backend, $items)]);
  }

  /**
   * POST /content.
   */
  public function content(Request $request): JsonResponse {
    [$backend, $items] = Received::writes($request, ['product'], self::DOCUMENTS);
    foreach ($items as $item) {
      Received::check(isset($item->slug, $item->fields, $item->expected, $item->whole), 'slug, fields, expected or whole is missing');
      Received::check(is_string($item->slug) && is_object($item->fields) && is_object($item->expected) && is_bool($item->whole), 'slug, fields, expected or whole is malformed');
      $item->verbatim ??= [];
      $item->seen ??= NULL;
      $item->joined ??= new \stdClass();
      Received::check(is_object($item->joined), 'joined is malformed');
      Received::check(is_array($item->verbatim) && ($item->seen === NULL || is_string($item->seen)), 'verbatim or seen is malformed');
    }
    $this->needsSetup();
    return self::answer(['receipts' => $this->writes->run($items, ['content'], $this->contentWriter->of($backend))]);
  }

  /**
   * POST /terms.
   */
  public function terms(Request $request): JsonResponse {
    [$backend, $items] = Received::writes($request, ['category'], self::TERMS);
    foreach ($items as $item) {
      Received::check(is_string($item->slug ?? NULL) && is_string($item->name ?? NULL) && is_string($item->description ?? NULL) && is_int($item->rank ?? NULL), 'slug, name, description or rank is malformed');
      Received::check(property_exists($item, 'parent') && ($item->parent === NULL || is_string($item->parent)), 'parent is malformed');
    }
    $this->needsSetup();
    return self::answer(['receipts' => $this->writes->run($items, ['content'], $this->termsWriter->of($backend))]);
  }

  /**
   * POST /retire.
   */
  public function retire(Request $request): JsonResponse {
    [, $items] = Received::writes($request, ['product', 'category'], self::DOCUMENTS);
    foreach ($items as $item) {
      $item->policy ??= 'unpublish';
      Received::check(is_string($item->policy) && isset(Retire::POLICIES[$item->policy]), 'policy is unknown');
    }
    return self::answer(['receipts' => $this->writes->run($items, ['content', 'offers'], $this->retireWriter)]);
  }

  /**
   * POST /status.
   */
  public function status(Request $request): JsonResponse {
    [, $items] = Received::items($request, ['product', 'category'], self::PAGE);
    foreach ($items as $item) {
      Received::check(is_object($item->note ?? NULL), 'note is no object');
    }
    return self::answer(['written' => $this->notes->write($items)]);
  }

  /**
   * GET /media.
   */
  public function findMedia(Request $request): JsonResponse {
    $asked = Received::query($request, 'hashes');
    $hashes = $asked === '' ? [] : explode(',', $asked);
    Received::check(count($hashes) <= self::PAGE, 'too many hashes');
    foreach ($hashes as $hash) {
      Received::check(Received::isSha256($hash), 'hashes are no SHA-256 in hex');
    }
    return self::answer(['media' => (object) $this->pictures->find($hashes)]);
  }

  /**
   * POST /media.
   */
  public function storeMedia(Request $request): JsonResponse {
    foreach (['hash', 'filename', 'alt'] as $name) {
      Received::check($request->query->has($name), "$name is missing");
    }
    $hash = Received::query($request, 'hash');
    Received::check(Received::isSha256($hash), 'hash is no SHA-256 in hex');
    return self::answer($this->pictures->store($hash, Received::query($request, 'filename'), Received::query($request, 'alt'), $request->getContent()));
  }

  /**
   * GET /inventory.
   */
  public function inventory(Request $request): JsonResponse {
    return self::answer($this->listings->page(
      Received::backend(Received::query($request, 'backend')),
      Received::kind(Received::query($request, 'kind')),
      Received::number(Received::query($request, 'after'), 0),
      $this->limit($request),
    ));
  }

  /**
   * GET /documents.
   */
  public function documents(Request $request): JsonResponse {
    $ids = json_decode(Received::query($request, 'ids'));
    Received::check(is_array($ids) && array_filter($ids, 'is_string') === $ids && count($ids) <= self::DOCUMENTS, 'ids is no JSON list of at most 100 texts');
    $backend = Received::backend(Received::query($request, 'backend'));
    return self::answer(['documents' => $this->listings->documents($backend, Received::kind(Received::query($request, 'kind')), $ids)]);
  }

  /**
   * GET /events.
   */
  public function events(Request $request): JsonResponse {
    $backend = Received::backend(Received::query($request, 'backend'));
    return self::answer($this->log->after($backend, Received::number(Received::query($request, 'after'), 0), $this->limit($request)));
  }

  /**
   * POST /events/ack.
   */
  public function acknowledge(Request $request): JsonResponse {
    $body = Received::body($request);
    Received::check(is_string($body->upto ?? NULL), 'upto is missing');
    return self::answer(['forgotten' => $this->log->acknowledge(Received::backend($body->backend ?? NULL), Received::number($body->upto, 0))]);
  }

  private function limit(Request $request): int {
    return min(self::PAGE, max(1, Received::number(Received::query($request, 'limit'), 200)));
  }

  /**
   * Refuses all of it where the site cannot take products.
   */
  private function needsSetup(): void {
    $problem = $this->mapping->problem();
    if ($problem !== NULL) {
      throw new Refused(403, 'setup', $problem);
    }
  }

  private static function answer(array $value): JsonResponse {
    $response = new JsonResponse($value, 200, ['Cache-Control' => 'no-store']);
    return $response->setEncodingOptions(JSON_UNESCAPED_SLASHES)->setData($value);
  }

}
