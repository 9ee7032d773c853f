<?php

/**
 * @file
 * Checks of the module's classes that need nothing of Drupal; prints what failed.
 */

declare(strict_types=1);

use Drupal\commerce_connector\Authentication\SignedRequest;
use Drupal\commerce_connector\Exception\BadRequest;
use Drupal\commerce_connector\Exception\Busy;
use Drupal\commerce_connector\Exception\Refused;
use Drupal\commerce_connector\Keys;
use Drupal\commerce_connector\PageCache\DenySiteApi;
use Drupal\commerce_connector\Panel\Summary;
use Drupal\commerce_connector\Received;
use Drupal\commerce_connector\Role;
use Drupal\commerce_connector\Secrets;
use Drupal\commerce_connector\Shop\Relay;
use Drupal\commerce_connector\Shop\Shopper;
use Drupal\commerce_connector\Signature;
use Drupal\Core\PrivateKey;
use Symfony\Component\HttpFoundation\Bag;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\RequestStack;
use Symfony\Component\HttpFoundation\Response;

require __DIR__ . '/stubs.php';
$source = $argv[1];
spl_autoload_register(static function (string $class) use ($source): void {
  $path = str_replace(['Drupal\\commerce_connector\\', '\\'], ['', '/'], $class);
  is_file("$source/$path.php") && require "$source/$path.php";
});

$failed = [];
$checked = 0;
$check = static function (bool $holds, string $what) use (&$failed, &$checked): void {
  $checked++;
  if (!$holds) {
    $failed[] = $what;
  }
};
$thrown = static function (callable $call): ?Throwable {
  try {
    $call();
    return NULL;
  }
  catch (Throwable $error) {
    return $error;
  }
};

// Keys.
$check(Keys::subject('a', 'product', 'X') !== Keys::subject('a', 'product', 'x'), 'ids that differ in case alone are two');
$check(Keys::subject('a', 'product', 'x') !== Keys::subject('a', 'category', 'x'), 'kinds are told apart');
$check(Keys::row('v', 'm', 1) !== Keys::row('v', 'm', 2), 'quantity steps are told apart');
$check(Keys::hash(NULL) === '' && Keys::hash('') === 'e3b0c44298fc1c14', 'nothing stored is not the empty text');
$check(Keys::json(['ü' => '/']) === '{"\u00fc":"/"}', 'JSON is ASCII');
$check(Keys::merged('{"a":1,"b":[]}', ['a' => (object) []]) === '{"a":{},"b":[]}', 'objects and lists stay apart');

// Secrets and signatures.
$clock = new Clock();
$secrets = new Secrets(new State(), $clock);
$old = $secrets->pair();
$new = $secrets->rotate();
$check(array_column($secrets->valid(), 'secret') === [$new, $old], 'both hold while one is replaced');
$clock->now += 86401;
$check(array_column($secrets->valid(), 'secret') === [$new], 'the old one ends after a day');

$signed = static function (string $method, string $path, string $query = '', string $body = '', ?string $target = NULL) use ($new, $clock): Request {
  $target ??= substr($path, strlen(SignedRequest::ROOT)) . ($query === '' ? '' : "?$query");
  $time = (string) $clock->now;
  return new Request($method, $path, $query, $body, [
    'webhook-id' => 'm1',
    'webhook-timestamp' => $time,
    'webhook-signature' => Signature::sign($new, 'm1', $time, "$method $target\n$body"),
  ]);
};
$provider = static fn (array $users): SignedRequest => new SignedRequest($secrets, new Role(new Entities($users), new Config()), $clock);
$root = SignedRequest::ROOT;
$user = new User();
$check($provider([$user])->authenticate($signed('GET', "$root/site")) === $user, 'a signed request is the daemon');
$check($provider([$user])->authenticate($signed('GET', "$root/inventory", 'b=%20x&a=')) === $user, 'the query counts as it was sent');
$error = $thrown(static fn () => $provider([$user])->authenticate($signed('GET', "$root/inventory", 'a=2', '', '/inventory?a=1')));
$check($error instanceof Refused && $error->status === 401, 'another query is refused');
$error = $thrown(static fn () => $provider([$user])->authenticate($signed('POST', "$root/offers", '', 'x', '/content')));
$check($error instanceof Refused && $error->status === 401, 'a body signed for another route is refused');
$error = $thrown(static fn () => $provider([$user])->authenticate(new Request('GET', "$root/site")));
$check($error instanceof Refused && $error->reason === 'bad_signature', 'no header is no signature');
foreach ([[], [new User(FALSE)]] as $users) {
  $error = $thrown(static fn () => $provider($users)->authenticate($signed('GET', "$root/site")));
  $check($error instanceof Refused && $error->reason === 'no_role', 'without its role the daemon is refused by name');
}
$unpaired = new SignedRequest(new Secrets(new State(), $clock), new Role(new Entities([]), new Config()), $clock);
$error = $thrown(static fn () => $unpaired->authenticate($signed('GET', "$root/site")));
$check($error instanceof Refused && $error->reason === 'not_paired', 'a site that is not paired says so');
$check($provider([])->applies(new Request('GET', "$root/site")) && !$provider([])->applies(new Request('GET', '/node/1')), 'other addresses are not ours');
$policy = new DenySiteApi();
$check($policy->check(new Request('GET', "$root/site")) === 'deny' && $policy->check(new Request('GET', '/')) === NULL, 'the page cache keeps nothing of ours');

$versioned = static function (string $offered) use ($signed, $root): Request {
  $request = $signed('GET', "$root/site");
  $request->headers = new Bag(['commerce-connector-api' => $offered] + $request->headers->all());
  return $request;
};
$check($provider([$user])->authenticate($versioned('1,2')) === $user, 'one version in common is enough');
foreach (['0' => 'connector is too old', '7' => 'module is too old', 'x' => 'connector is too old'] as $offered => $says) {
  $error = $thrown(static fn () => $provider([$user])->authenticate($versioned((string) $offered)));
  $check($error instanceof Refused && $error->reason === 'version' && str_contains($error->getMessage(), $says), "a daemon that speaks $offered is told: $says");
}

// Requests.
$post = static fn (mixed $body): Request => new Request('POST', "$root/offers", '', is_string($body) ? $body : json_encode($body));
$item = ['kind' => 'product', 'id' => 'p', 'fence' => ['epoch' => 1, 'sequence' => 2], 'write_id' => 'w'];
[$backend, $items] = Received::writes($post(['backend' => 'shop', 'items' => [$item]]), ['product'], 1);
$check($backend === 'shop' && array_keys($items) === [Keys::subject('shop', 'product', 'p')], 'items are known by their keys');
$bad = [
  '', '[]', '{"backend":"shop"}',
  ['backend' => 'sh op', 'items' => []],
  ['backend' => 'shop', 'items' => [1]],
  ['backend' => 'shop', 'items' => [$item, $item]],
  ['backend' => 'shop', 'items' => [['id' => ''] + $item]],
  ['backend' => 'shop', 'items' => [['id' => str_repeat('x', 191)] + $item]],
  ['backend' => 'shop', 'items' => [['kind' => 'category'] + $item]],
  ['backend' => 'shop', 'items' => [['write_id' => "w\n"] + $item]],
  ['backend' => 'shop', 'items' => [['fence' => ['epoch' => '1', 'sequence' => 1]] + $item]],
  ['backend' => 'shop', 'items' => [['fence' => ['epoch' => -1, 'sequence' => 1]] + $item]],
];
foreach ($bad as $place => $body) {
  $check($thrown(static fn () => Received::writes($post($body), ['product'], 5)) instanceof BadRequest, "malformed body $place is refused");
}
$check($thrown(static fn () => Received::number('12x', 0)) instanceof BadRequest && Received::number('', 7) === 7, 'numbers are numbers');
$check($thrown(static fn () => Received::query(new Request('GET', '/x', 'a[]=1'), 'a')) instanceof BadRequest, 'a list is no text');

// Shoppers: their cookies, and who sent a form.
$stack = new RequestStack();
$shopper = static fn (): Shopper => new Shopper($stack, new PrivateKey(), $clock);
$arrive = static function (array $cookies = [], array $headers = [], array $fields = []) use ($stack): void {
  $stack->request = new Request('POST', '/shop/cart', '', '', $headers);
  $stack->request->cookies = new Bag($cookies);
  $stack->request->request = new Bag($fields);
};
$put = static function (Shopper $who): array {
  $response = new Response();
  $who->putOn($response);
  return $response->headers->set;
};
$arrive();
$one = $shopper();
$check($one->token() === '', 'a new shopper has no cart');
$first = $one->intention(['add', 1]);
$check($first === $one->intention(['add', 1]) && $first !== $one->intention(['add', 2]), 'the same wish within a step is one intention');
$one->keep('cct_abc');
$check($one->token() === 'cct_abc' && $first !== $one->intention(['add', 1]), 'what is done begins another step');
$cookies = $put($one);
$check($cookies[Shopper::CART]->httpOnly && $cookies[Shopper::CART]->secure && $cookies[Shopper::CART]->sameSite === 'lax', 'scripts do not read the token');
$check(!$cookies[Shopper::MARK]->httpOnly && !str_contains($cookies[Shopper::MARK]->getValue(), 'abc'), 'the mark says nothing of the token');
$arrive([Shopper::CART => '0123456789abcdef.evil<script>']);
$check($shopper()->token() === '', 'what is no token is none');
$named = static function (string $ip) use ($arrive, $stack, $shopper): string {
  $arrive();
  $stack->request->ip = $ip;
  return $shopper()->client();
};
$ada = $named('203.0.113.7');
$check(preg_match('/^[0-9a-f]{32}\z/', $ada) === 1 && $ada === $named('203.0.113.7') && $ada !== $named('203.0.113.8'), 'shoppers are told apart without their address');
$check($named('2003:db8:0:1::1') === $named('2003:db8:0:1::2') && $named('2003:db8:0:1::1') !== $named('2003:db8:0:2::1'), 'a household is one shopper');
foreach (['127.0.0.1', '10.0.0.1', '192.168.1.1', '::1', 'fd00::1'] as $proxy) {
  $check($named($proxy) === '', "the proxy at $proxy is no shopper");
}
$senders = [
  'us' => [['sec-fetch-site' => 'same-origin'], ['origin' => 'https://magazine.example'], ['origin' => 'null', 'referer' => 'https://MAGAZINE.example:443/x']],
  'others' => [['sec-fetch-site' => 'cross-site', 'origin' => 'https://magazine.example'], ['sec-fetch-site' => 'same-site'], ['origin' => 'https://magazine.example.evil'], ['origin' => 'http://magazine.example'], ['referer' => 'https://magazine.example@evil.example/']],
  'unknown' => [[], ['origin' => 'null']],
];
foreach ($senders as $who => $cases) {
  foreach ($cases as $place => $headers) {
    $arrive([], $headers);
    $check($shopper()->sentBy() === $who, "sender $place is $who");
  }
}
$arrive();
$asking = $shopper();
$word = $asking->confirmation();
$form = $put($asking)['commerce_connector_form']->getValue();
$arrive(['commerce_connector_form' => $form], [], ['confirm' => $word]);
$check($shopper()->sentBy() === 'us', 'the browser that was asked confirms');
$arrive(['commerce_connector_form' => str_repeat('0', 32)], [], ['confirm' => $word]);
$check($shopper()->sentBy() === 'unknown', 'another browser does not');
$arrive();
$saying = $shopper();
$saying->sayNext('status', ['Done <b>']);
$said = $put($saying)['commerce_connector_says']->getValue();
$arrive(['commerce_connector_says' => $said]);
$check($shopper()->saidBefore() === ['status', ['Done <b>']], 'what was said is read once');
$arrive(['commerce_connector_says' => 'WyJhbGVydCIsWyJFdmlsIl1d.x']);
$check($shopper()->saidBefore() === NULL, 'nobody else puts words onto a page');

// The relay's answers.
$problem = static fn (string $word): string => Relay::problem(['status' => 409, 'body' => ['type' => "urn:commerce-connector:problem:$word"]]);
$check($problem('out-of-stock') === 'out-of-stock' && !Relay::isUnsure('out-of-stock'), 'a final answer is told');
$check(Relay::problem(['status' => 0, 'body' => []]) === 'away' && Relay::isUnsure('away'), 'no answer is asked again');
$check(Relay::problem(['status' => 200, 'body' => []]) === '', 'done is done');
$check(Relay::script('https://c.example/x/v1/blog') === 'https://c.example/x/storefront/commerce.js', 'the elements come from the relay');
foreach (['https://c.example/v1/blog' => 1, 'http://c.example:8/p/v1/a_b' => 1, 'https://c.example' => 0, 'https://u@c.example/v1/x' => 0, 'javascript:x/v1/x' => 0, 'https://c.example/v1/x?y' => 0] as $address => $fits) {
  $check(preg_match(Relay::ADDRESS, $address) === $fits, "$address is judged as an address of a relay");
}

// The daemon's summaries.
$summaries = new Summary(new State(), $clock);
$check($summaries->all() === [] && $summaries->of('shop') === [], 'nothing was heard yet');
$summaries->write('shop', (object) ['fresh' => TRUE]);
$check($summaries->all()['shop']['is_old'] === FALSE, 'a summary that has just come is new');
$clock->now += 301;
$check($summaries->all()['shop']['is_old'] === TRUE, 'after five minutes without one, editors are told');

// What is only busy.
$locked = new PDOException('locked');
$locked->errorInfo = ['40001', 1213, ''];
$check(Busy::is(new RuntimeException('wrapped', 0, $locked)), 'a deadlock within is busy');
$check(!Busy::is(new RuntimeException('other')), 'other failures are not');

// The hook that comes after all configuration is there.
require "$source/../commerce_connector.module";
require "$source/../commerce_connector.install";
$made = 0;
Drupal::$services['commerce_connector.role'] = new class($made) {

  public function __construct(private int &$made) {}

  public function make(): void {
    $this->made++;
  }

};
commerce_connector_modules_installed(['node'], FALSE);
commerce_connector_modules_installed(['commerce_connector'], TRUE);
$check($made === 0, 'other modules, and configuration brought from elsewhere, make no role');
commerce_connector_modules_installed(['node', 'commerce_connector'], FALSE);
$check($made === 1, 'installing makes the role');
$check(!function_exists('commerce_connector_install'), 'in hook_install() Drupal 11 has no text format yet');

echo json_encode(['checked' => $checked, 'failed' => $failed]);
