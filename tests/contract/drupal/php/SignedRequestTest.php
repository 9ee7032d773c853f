<?php

declare(strict_types=1);

use Drupal\commerce_connector\Authentication\SignedRequest;
use Drupal\commerce_connector\Exception\Refused;
use Drupal\commerce_connector\PageCache\DenySiteApi;
use Drupal\commerce_connector\Role;
use Drupal\commerce_connector\Secrets;
use Drupal\commerce_connector\Signature;
use PHPUnit\Framework\TestCase;
use Symfony\Component\HttpFoundation\Bag;
use Symfony\Component\HttpFoundation\Request;

/**
 * Who is taken for the daemon, and what the others are told.
 */
final class SignedRequestTest extends TestCase {

  private const ROOT = SignedRequest::ROOT;

  private Clock $clock;
  private Secrets $secrets;
  private string $secret;

  protected function setUp(): void {
    $this->clock = new Clock();
    $this->secrets = new Secrets(new State(), $this->clock);
    $this->secret = $this->secrets->pair();
  }

  public function testBothSecretsHoldForADayWhileOneIsReplaced(): void {
    $new = $this->secrets->rotate();
    self::assertSame([$new, $this->secret], array_column($this->secrets->valid(), 'secret'));
    $this->clock->now += 86401;
    self::assertSame([$new], array_column($this->secrets->valid(), 'secret'));
  }

  public function testASignedRequestIsTheDaemon(): void {
    $user = new User();
    self::assertSame($user, $this->provider($user)->authenticate($this->signed('GET', '/site')));
  }

  public function testTheQueryCountsAsItWasSent(): void {
    $user = new User();
    self::assertSame($user, $this->provider($user)->authenticate($this->signed('GET', '/inventory', 'b=%20x&a=')));
  }

  public function testAnotherQueryIsRefused(): void {
    self::assertSame(401, $this->refusal($this->signed('GET', '/inventory', 'a=2', '', '/inventory?a=1'))->status);
  }

  public function testABodySignedForAnotherRouteIsRefused(): void {
    self::assertSame(401, $this->refusal($this->signed('POST', '/offers', '', 'x', '/content'))->status);
  }

  public function testNoHeaderIsNoSignature(): void {
    self::assertSame('bad_signature', $this->refusal(new Request('GET', self::ROOT . '/site'))->reason);
  }

  public function testWithoutItsUserOrRoleTheDaemonIsRefusedByName(): void {
    self::assertSame('no_role', $this->refusal($this->signed('GET', '/site'))->reason);
    self::assertSame('no_role', $this->refusal($this->signed('GET', '/site'), new User(FALSE))->reason);
  }

  public function testASiteThatIsNotPairedSaysSo(): void {
    $signed = $this->signed('GET', '/site');
    $this->secrets = new Secrets(new State(), $this->clock);
    self::assertSame('not_paired', $this->refusal($signed)->reason);
  }

  public function testOtherAddressesAreNotOurs(): void {
    self::assertTrue($this->provider()->applies(new Request('GET', self::ROOT . '/site')));
    self::assertFalse($this->provider()->applies(new Request('GET', '/node/1')));
  }

  public function testThePageCacheKeepsNothingOfOurs(): void {
    $policy = new DenySiteApi();
    self::assertSame('deny', $policy->check(new Request('GET', self::ROOT . '/site')));
    self::assertNull($policy->check(new Request('GET', '/')));
  }

  public function testOneVersionInCommonIsEnough(): void {
    $user = new User();
    self::assertSame($user, $this->provider($user)->authenticate($this->speaking('1,2')));
  }

  /**
   * @testWith ["0", "connector is too old"]
   *           ["7", "module is too old"]
   *           ["x", "connector is too old"]
   */
  public function testAVersionThatDoesNotFitIsTold(string $offered, string $says): void {
    $refused = $this->refusal($this->speaking($offered), new User());
    self::assertSame('version', $refused->reason);
    self::assertStringContainsString($says, $refused->getMessage());
  }

  private function provider(User ...$users): SignedRequest {
    return new SignedRequest($this->secrets, new Role(new Entities($users), new Config()), $this->clock);
  }

  private function refusal(Request $request, User ...$users): Refused {
    try {
      $this->provider(...$users)->authenticate($request);
    }
    catch (Refused $refused) {
      return $refused;
    }
    self::fail('It was let in.');
  }

  private function signed(string $method, string $path, string $query = '', string $body = '', ?string $target = NULL): Request {
    $target ??= $path . ($query === '' ? '' : "?$query");
    $time = (string) $this->clock->now;
    return new Request($method, self::ROOT . $path, $query, $body, [
      'webhook-id' => 'm1',
      'webhook-timestamp' => $time,
      'webhook-signature' => Signature::sign($this->secret, 'm1', $time, "$method $target\n$body"),
    ]);
  }

  private function speaking(string $offered): Request {
    $request = $this->signed('GET', '/site');
    $request->headers = new Bag(['commerce-connector-api' => $offered] + $request->headers->all());
    return $request;
  }

}
