<?php

declare(strict_types=1);

use Drupal\Core\PrivateKey;
use Drupal\commerce_connector\Shop\Shopper;
use PHPUnit\Framework\TestCase;
use Symfony\Component\HttpFoundation\Bag;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\RequestStack;
use Symfony\Component\HttpFoundation\Response;

/**
 * What the site knows of a shopper by cookies, and who sent a form.
 */
final class ShopperTest extends TestCase {

  private const HOME = 'https://magazine.example';

  public function testANewShopperHasNoCart(): void {
    self::assertSame('', $this->arrive()->token());
  }

  public function testOneWishWithinAStepIsOneIntention(): void {
    $one = $this->arrive();
    $first = $one->intention(['add', 1]);
    self::assertSame($first, $one->intention(['add', 1]));
    self::assertNotSame($first, $one->intention(['add', 2]));
    $one->keep('cct_abc');
    self::assertSame('cct_abc', $one->token());
    self::assertNotSame($first, $one->intention(['add', 1]));
  }

  public function testScriptsReadAMarkAndNotTheToken(): void {
    $one = $this->arrive();
    $one->intention(['add', 1]);
    $one->keep('cct_abc');
    $cookies = self::put($one);
    $cart = $cookies[Shopper::CART];
    self::assertSame([TRUE, TRUE, 'lax'], [$cart->httpOnly, $cart->secure, $cart->sameSite]);
    self::assertFalse($cookies[Shopper::MARK]->httpOnly);
    self::assertStringNotContainsString('abc', $cookies[Shopper::MARK]->getValue());
  }

  public function testWhatIsNoTokenIsNone(): void {
    self::assertSame('', $this->arrive([Shopper::CART => '0123456789abcdef.evil<script>'])->token());
  }

  public function testShoppersAreToldApartWithoutTheirAddress(): void {
    $ada = $this->named('203.0.113.7');
    self::assertMatchesRegularExpression('/^[0-9a-f]{32}\z/', $ada);
    self::assertSame($ada, $this->named('203.0.113.7'));
    self::assertNotSame($ada, $this->named('203.0.113.8'));
  }

  public function testAHouseholdIsOneShopper(): void {
    $one = $this->named('2003:db8:0:1::1');
    self::assertSame($one, $this->named('2003:db8:0:1::2'));
    self::assertNotSame($one, $this->named('2003:db8:0:2::1'));
  }

  /**
   * @testWith ["127.0.0.1"]
   *           ["10.0.0.1"]
   *           ["192.168.1.1"]
   *           ["::1"]
   *           ["fd00::1"]
   */
  public function testAProxyIsNoShopper(string $address): void {
    self::assertSame('', $this->named($address));
  }

  /**
   * @dataProvider senders
   */
  public function testWhoSentAForm(string $who, array $headers): void {
    self::assertSame($who, $this->arrive([], $headers)->sentBy());
  }

  public static function senders(): iterable {
    yield ['us', ['sec-fetch-site' => 'same-origin']];
    yield ['us', ['origin' => self::HOME]];
    yield ['us', ['origin' => 'null', 'referer' => 'https://MAGAZINE.example:443/x']];
    yield ['others', ['sec-fetch-site' => 'cross-site', 'origin' => self::HOME]];
    yield ['others', ['sec-fetch-site' => 'same-site']];
    yield ['others', ['origin' => self::HOME . '.evil']];
    yield ['others', ['origin' => 'http://magazine.example']];
    yield ['others', ['referer' => self::HOME . '@evil.example/']];
    yield ['unknown', []];
    yield ['unknown', ['origin' => 'null']];
  }

  public function testOnlyTheBrowserThatWasAskedConfirms(): void {
    $asking = $this->arrive();
    $word = $asking->confirmation();
    $form = self::put($asking)['commerce_connector_form']->getValue();
    self::assertSame('us', $this->arrive(['commerce_connector_form' => $form], [], ['confirm' => $word])->sentBy());
    $other = ['commerce_connector_form' => str_repeat('0', 32)];
    self::assertSame('unknown', $this->arrive($other, [], ['confirm' => $word])->sentBy());
  }

  public function testWhatWasSaidIsReadAndNobodyElseSaysAnything(): void {
    $saying = $this->arrive();
    $saying->sayNext('status', ['Done <b>']);
    $said = self::put($saying)['commerce_connector_says']->getValue();
    self::assertSame(['status', ['Done <b>']], $this->arrive(['commerce_connector_says' => $said])->saidBefore());
    $evil = ['commerce_connector_says' => 'WyJhbGVydCIsWyJFdmlsIl1d.x'];
    self::assertNull($this->arrive($evil)->saidBefore());
  }

  private function arrive(array $cookies = [], array $headers = [], array $fields = [], string $ip = '127.0.0.1'): Shopper {
    $stack = new RequestStack();
    $stack->request = new Request('POST', '/shop/cart', '', '', $headers);
    $stack->request->cookies = new Bag($cookies);
    $stack->request->request = new Bag($fields);
    $stack->request->ip = $ip;
    return new Shopper($stack, new PrivateKey(), new Clock());
  }

  private function named(string $ip): string {
    return $this->arrive(ip: $ip)->client();
  }

  private static function put(Shopper $who): array {
    $response = new Response();
    $who->putOn($response);
    return $response->headers->set;
  }

}
