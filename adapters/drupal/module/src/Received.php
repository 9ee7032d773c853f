<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\commerce_connector\Exception\BadRequest;
use Symfony\Component\HttpFoundation\Request;

/**
 * What requests to the site API hold, checked. Pure.
 */
final class Received {

  /**
   * The items of a write, with fence and write_id.
   *
   * @return array
   *   Backend, and items by subject key.
   */
  public static function writes(Request $request, array $kinds, int $most): array {
    [$backend, $items] = self::items($request, $kinds, $most);
    foreach ($items as $item) {
      self::check(is_string($item->write_id ?? NULL) && preg_match('/^[\x21-\x7e]{1,100}\z/', $item->write_id), 'write_id is malformed');
      $fence = $item->fence ?? NULL;
      self::check(is_object($fence) && is_int($fence->epoch ?? NULL) && is_int($fence->sequence ?? NULL) && $fence->epoch >= 0 && $fence->sequence >= 0, 'fence is malformed');
    }
    return [$backend, $items];
  }

  /**
   * The items of a body.
   *
   * @return array
   *   Backend, and items by subject key.
   */
  public static function items(Request $request, array $kinds, int $most): array {
    $body = self::body($request);
    $backend = self::backend($body->backend ?? NULL);
    self::check(is_array($body->items ?? NULL), 'items is no list');
    self::check(count($body->items) <= $most, "more than $most items in one request");
    $items = [];
    foreach ($body->items as $item) {
      self::check(is_object($item) && in_array($item->kind ?? NULL, $kinds, TRUE), 'an item has no kind that this route takes');
      self::check(is_string($item->id ?? NULL) && $item->id !== '' && mb_strlen($item->id) <= 190, 'an id is no text of 1 to 190 characters');
      $key = Keys::subject($backend, $item->kind, $item->id);
      self::check(!isset($items[$key]), "$item->kind $item->id stands twice in one request");
      $item->subject_key = $key;
      $items[$key] = $item;
    }
    return [$backend, $items];
  }

  /**
   * The body as JSON. Objects stay objects, so that {} and [] stay apart.
   */
  public static function body(Request $request): object {
    $body = json_decode($request->getContent(), FALSE, 64);
    self::check(is_object($body), 'the body is no JSON object');
    return $body;
  }

  /**
   * A parameter of the query, "" where it is not there.
   */
  public static function query(Request $request, string $name): string {
    $value = $request->query->all()[$name] ?? '';
    self::check(is_string($value), "$name is no text");
    return $value;
  }

  /**
   * Name of a backend.
   */
  public static function backend(mixed $value): string {
    self::check(is_string($value) && preg_match('/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\z/', $value), 'backend is malformed');
    return $value;
  }

  /**
   * Kind of a subject.
   */
  public static function kind(string $value): string {
    self::check(in_array($value, ['product', 'category'], TRUE), 'kind is neither product nor category');
    return $value;
  }

  /**
   * A number that is not negative.
   */
  public static function number(string $value, int $fallback): int {
    if ($value === '') {
      return $fallback;
    }
    self::check(preg_match('/^[0-9]{1,18}\z/', $value), 'a number is malformed');
    return (int) $value;
  }

  /**
   * Whether a text is a SHA-256 in lower-case hex.
   */
  public static function isSha256(string $value): bool {
    return preg_match('/^[0-9a-f]{64}\z/', $value) === 1;
  }

  /**
   * Refuses the whole request where something does not hold.
   */
  public static function check(mixed $holds, string $message): void {
    if (!$holds) {
      throw new BadRequest($message);
    }
  }

}
