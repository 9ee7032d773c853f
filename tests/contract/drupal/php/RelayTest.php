<?php

declare(strict_types=1);

use Drupal\commerce_connector\Panel\Summary;
use Drupal\commerce_connector\Shop\Relay;
use PHPUnit\Framework\TestCase;

/**
 * What is heard from relay and daemon.
 */
final class RelayTest extends TestCase {

  public function testAFinalAnswerIsToldAndNoAnswerIsAskedAgain(): void {
    $problem = Relay::problem(['status' => 409, 'body' => ['type' => 'urn:commerce-connector:problem:out-of-stock']]);
    self::assertSame('out-of-stock', $problem);
    self::assertFalse(Relay::isUnsure($problem));
    self::assertSame('away', Relay::problem(['status' => 0, 'body' => []]));
    self::assertTrue(Relay::isUnsure('away'));
    self::assertSame('', Relay::problem(['status' => 200, 'body' => []]));
  }

  public function testTheElementsComeFromTheRelay(): void {
    self::assertSame('https://c.example/x/storefront/commerce.js', Relay::script('https://c.example/x/v1/blog'));
  }

  /**
   * @testWith ["https://c.example/v1/blog", 1]
   *           ["http://c.example:8/p/v1/a_b", 1]
   *           ["https://c.example", 0]
   *           ["https://u@c.example/v1/x", 0]
   *           ["javascript:x/v1/x", 0]
   *           ["https://c.example/v1/x?y", 0]
   */
  public function testWhatIsAnAddressOfARelay(string $address, int $fits): void {
    self::assertSame($fits, preg_match(Relay::ADDRESS, $address));
  }

  public function testAfterFiveMinutesWithoutASummaryEditorsAreTold(): void {
    $clock = new Clock();
    $summaries = new Summary(new State(), $clock);
    self::assertSame([[], []], [$summaries->all(), $summaries->of('shop')]);
    $summaries->write('shop', (object) ['fresh' => TRUE]);
    self::assertFalse($summaries->all()['shop']['is_old']);
    $clock->now += 301;
    self::assertTrue($summaries->all()['shop']['is_old']);
  }

}
