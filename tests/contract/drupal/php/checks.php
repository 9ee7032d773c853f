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
use Drupal\commerce_connector\Received;
use Drupal\commerce_connector\Role;
use Drupal\commerce_connector\Secrets;
use Drupal\commerce_connector\Signature;
use Symfony\Component\HttpFoundation\Bag;
use Symfony\Component\HttpFoundation\Request;

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

// What is only busy.
$locked = new PDOException('locked');
$locked->errorInfo = ['40001', 1213, ''];
$check(Busy::is(new RuntimeException('wrapped', 0, $locked)), 'a deadlock within is busy');
$check(!Busy::is(new RuntimeException('other')), 'other failures are not');

echo json_encode(['checked' => $checked, 'failed' => $failed]);
