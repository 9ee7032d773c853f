<?php

declare(strict_types=1);

use Drupal\commerce_connector\Exception\BadRequest;
use Drupal\commerce_connector\Exception\Busy;
use Drupal\commerce_connector\Keys;
use Drupal\commerce_connector\Received;
use PHPUnit\Framework\TestCase;
use Symfony\Component\HttpFoundation\Request;

/**
 * What requests hold, and by which keys it is kept.
 */
final class ReceivedTest extends TestCase {

  private const ITEM = ['kind' => 'product', 'id' => 'p', 'fence' => ['epoch' => 1, 'sequence' => 2], 'write_id' => 'w'];

  public function testKeysTellSubjectsAndRowsApart(): void {
    self::assertNotSame(Keys::subject('a', 'product', 'X'), Keys::subject('a', 'product', 'x'));
    self::assertNotSame(Keys::subject('a', 'product', 'x'), Keys::subject('a', 'category', 'x'));
    self::assertNotSame(Keys::row('v', 'm', 1), Keys::row('v', 'm', 2));
  }

  public function testNothingStoredIsNotTheEmptyText(): void {
    self::assertSame('', Keys::hash(NULL));
    self::assertSame('e3b0c44298fc1c14', Keys::hash(''));
  }

  public function testJsonIsAsciiAndKeepsObjectsAndListsApart(): void {
    self::assertSame('{"\u00fc":"/"}', Keys::json(['ü' => '/']));
    self::assertSame('{"a":{},"b":[]}', Keys::merged('{"a":1,"b":[]}', ['a' => (object) []]));
  }

  public function testItemsAreKnownByTheirKeys(): void {
    [$backend, $items] = Received::writes(self::post(['backend' => 'shop', 'items' => [self::ITEM]]), ['product'], 1);
    self::assertSame('shop', $backend);
    self::assertSame([Keys::subject('shop', 'product', 'p')], array_keys($items));
  }

  /**
   * @dataProvider malformed
   */
  public function testMalformedBodiesAreRefused(mixed $body): void {
    $this->expectException(BadRequest::class);
    Received::writes(self::post($body), ['product'], 5);
  }

  public static function malformed(): iterable {
    yield 'empty' => [''];
    yield 'a list' => ['[]'];
    yield 'no items' => ['{"backend":"shop"}'];
    yield 'a backend that is no name' => [['backend' => 'sh op', 'items' => []]];
    $items = [
      'no object' => [1],
      'one twice' => [self::ITEM, self::ITEM],
      'no id' => [['id' => ''] + self::ITEM],
      'an id too long' => [['id' => str_repeat('x', 191)] + self::ITEM],
      'another kind' => [['kind' => 'category'] + self::ITEM],
      'a write id with a line' => [['write_id' => "w\n"] + self::ITEM],
      'an epoch in words' => [['fence' => ['epoch' => '1', 'sequence' => 1]] + self::ITEM],
      'an epoch below zero' => [['fence' => ['epoch' => -1, 'sequence' => 1]] + self::ITEM],
    ];
    foreach ($items as $what => $some) {
      yield $what => [['backend' => 'shop', 'items' => $some]];
    }
  }

  public function testNumbersAreNumbers(): void {
    self::assertSame(7, Received::number('', 7));
    $this->expectException(BadRequest::class);
    Received::number('12x', 0);
  }

  public function testAListIsNoText(): void {
    $this->expectException(BadRequest::class);
    Received::query(new Request('GET', '/x', 'a[]=1'), 'a');
  }

  public function testADeadlockWithinIsBusyAndOtherFailuresAreNot(): void {
    $locked = new PDOException('locked');
    $locked->errorInfo = ['40001', 1213, ''];
    self::assertTrue(Busy::is(new RuntimeException('wrapped', 0, $locked)));
    self::assertFalse(Busy::is(new RuntimeException('other')));
  }

  private static function post(mixed $body): Request {
    return new Request('POST', '/offers', '', is_string($body) ? $body : json_encode($body));
  }

}
