// The relay's client and the offers without a browser: what is sent, repeated, kept and told.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Offers, offerFor } from '../../connector/relay/storefront/offers.js';
import { PROBLEM, Relay, SitesCart, isUnsure, newKey } from '../../connector/relay/storefront/relay.js';
import { speaker } from '../../connector/relay/storefront/words.js';

const URL = 'https://relay.example/v1/blog';

/** A relay that answers what it is given, in order, and notes what it was asked. */
function scripted(...answers) {
  const asked = [];
  const waits = [];
  const kept = new Map();
  const storage = {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
  };
  const fetch = async (url, request) => {
    asked.push({ url, ...request, body: request.body && JSON.parse(request.body) });
    const answer = answers.shift();
    if (answer === undefined) throw new Error('asked too much');
    if (answer instanceof Error) throw answer;
    const { status = 200, retry = null, ...body } = answer;
    return {
      ok: status < 400,
      headers: new Headers(retry === null ? {} : { 'retry-after': String(retry) }),
      json: async () => body,
    };
  };
  const wait = async (seconds) => waits.push(seconds);
  const relay = new Relay(`${URL}/`, { market: 'de', storage, fetch, wait });
  return { relay, asked, waits, kept };
}

const cart = (pieces) => ({ pieces, lines: [] });
const made = { token: 'cct_1', cart: cart(1), changes: [] };
const problem = (kind, more = {}) => ({ status: 409, type: PROBLEM + kind, detail: kind, ...more });
const down = () => new TypeError('network');

test('the first article makes the cart, the next goes into it', async () => {
  const { relay, asked, kept } = scripted(made, { cart: cart(2), changes: [] });
  await relay.add({ sku: 'A' }, 1, 'k'.repeat(16));
  await relay.add({ variant: 'v' }, 2, 'l'.repeat(16));
  assert.deepEqual(
    asked.map(({ method, url, body, headers }) => [method, url, body, headers['idempotency-key'], headers.authorization]),
    [
      ['POST', `${URL}/carts`, { lines: [{ sku: 'A', quantity: 1 }], market: 'de' }, `${'k'.repeat(16)}-cart`, undefined],
      ['POST', `${URL}/carts/current/lines`, { variant: 'v', quantity: 2 }, 'l'.repeat(16), 'Bearer cct_1'],
    ],
  );
  assert.equal(asked[0].credentials, 'omit');
  assert.equal(kept.get(relay.slot), 'cct_1');
  assert.equal(relay.cart.pieces, 2);
});

test('a request without an answer is repeated with the same key, three times at most', async () => {
  const { relay, asked, waits } = scripted(down(), down(), made);
  await relay.add({ sku: 'A' }, 1);
  assert.equal(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size, 1);
  assert.deepEqual(waits, [1, 1]);
  const silent = scripted(down(), down(), down());
  await assert.rejects(silent.relay.add({ sku: 'A' }, 1), { kind: 'away', message: '' });
  assert.equal(silent.asked.length, 3);
});

test('it waits as long as it is told, and not for long', async () => {
  const { relay, waits } = scripted(problem('under-way', { retry: 2 }), made);
  await relay.add({ sku: 'A' }, 1);
  assert.deepEqual(waits, [2]);
  const long = scripted(problem('rate', { retry: 6 }));
  await assert.rejects(long.relay.add({ sku: 'A' }, 1), { kind: 'rate', message: 'rate' });
  const zero = scripted(problem('busy', { retry: 0 }));
  await assert.rejects(zero.relay.add({ sku: 'A' }, 1), { kind: 'busy' });
});

test('what was refused is not asked again', async () => {
  const { relay, asked } = scripted(problem('out-of-stock', { left: 3 }));
  await assert.rejects(relay.add({ sku: 'A' }, 9), { kind: 'out-of-stock', answer: { left: 3, type: `${PROBLEM}out-of-stock`, detail: 'out-of-stock' } });
  assert.equal(asked.length, 1);
});

test('only what may have happened counts as unsure', () => {
  for (const kind of ['away', 'under-way', 'outcome-unknown', 'engine-away', 'busy', 'unavailable', 'rate']) assert.ok(isUnsure({ kind }), kind);
  for (const kind of ['out-of-stock', 'payment', 'cart-changed', 'invalid']) assert.ok(!isUnsure({ kind }), kind);
});

for (const kind of ['unknown-cart', 'ordered']) {
  test(`where the cart is ${kind}, a new one is made`, async () => {
    const { relay, asked, kept } = scripted(made, problem(kind), { ...made, token: 'cct_2' });
    await relay.add({ sku: 'A' }, 1);
    await relay.add({ sku: 'B' }, 1, 'b'.repeat(16));
    assert.deepEqual(asked.slice(1).map(({ url, headers }) => [url.slice(URL.length), headers['idempotency-key']]), [
      ['/carts/current/lines', 'b'.repeat(16)],
      ['/carts', `${'b'.repeat(16)}-cart`],
    ]);
    assert.equal(kept.get(relay.slot), 'cct_2');
  });
}

test('other tabs are told of a change, and of none that was only read', async () => {
  const { relay, kept } = scripted(made, { cart: cart(1), changes: [] }, { cart: cart(3), changes: [] });
  await relay.add({ sku: 'A' }, 1);
  kept.delete(`${relay.slot} at`);
  await relay.read();
  assert.equal(kept.has(`${relay.slot} at`), false);
  await relay.setLine('l', 3);
  assert.ok(kept.get(`${relay.slot} at`) > 0);
});

test('reading without a cart asks nothing, and a cart nobody knows is forgotten', async () => {
  const { relay, asked, kept } = scripted(made, problem('unknown-cart'));
  assert.equal(await relay.read(), null);
  assert.equal(asked.length, 0);
  await relay.add({ sku: 'A' }, 1);
  assert.equal(await relay.read(), null);
  assert.equal(kept.size, 0);
});

/** A relay whose answers come when they are let, by what is asked. */
function slow(relay) {
  const letters = [];
  const { fetch } = relay;
  relay.fetch = (url, request) => new Promise((come) => letters.push({ method: request.method, come: () => come(fetch(url, request)) }));
  const deliver = async (method) => {
    letters.splice(letters.findIndex((letter) => letter.method === method), 1)[0].come();
    await settled();
  };
  return deliver;
}

test('what was read before a change does not undo what the change showed', async () => {
  const { relay, kept } = scripted(made, { cart: cart(2), changes: [] }, { token: 'cct_old', cart: cart(1), changes: [] });
  await relay.add({ sku: 'A' }, 1);
  const deliver = slow(relay);
  const read = relay.read();
  const added = relay.add({ sku: 'A' }, 1);
  await settled();
  await deliver('POST');
  await deliver('GET');
  assert.deepEqual([(await added).pieces, (await read).pieces, relay.cart.pieces], [2, 2, 2]);
  assert.equal(kept.get(relay.slot), 'cct_1');
});

test('the end of an old cart, told late, costs no new one', async () => {
  const { relay, kept } = scripted(made, problem('unknown-cart'), { ...made, token: 'cct_2' }, problem('unknown-cart'), { cart: cart(1), changes: [] });
  await relay.add({ sku: 'A' }, 1);
  const deliver = slow(relay);
  const read = relay.read();
  const added = relay.add({ sku: 'B' }, 1);
  await settled();
  await deliver('POST');
  await deliver('POST');
  assert.equal((await added).pieces, 1);
  await deliver('GET');
  await deliver('GET');
  assert.equal((await read).pieces, 1);
  assert.equal(kept.get(relay.slot), 'cct_2');
});

test('changes go one after the other, and one that fails holds up no other', async () => {
  const { relay, asked } = scripted(made, problem('quantity'), { cart: cart(2), changes: [] });
  await relay.add({ sku: 'A' }, 1);
  const [first, second] = await Promise.allSettled([relay.setLine('l/1', 9999), relay.setLine('l/1', 2)]);
  assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled']);
  assert.deepEqual(asked.slice(1).map(({ url, body }) => [url.slice(URL.length), body]), [
    ['/carts/current/lines/l%2F1', { quantity: 9999 }],
    ['/carts/current/lines/l%2F1', { quantity: 2 }],
  ]);
});

test('an order ends the cart; a changed one is shown as it is now', async () => {
  const changes = [{ kind: 'price', says: 'dearer' }];
  const { relay, kept } = scripted(made, problem('cart-changed', { cart: cart(5), changes }), { order: { number: '7' } });
  await relay.add({ sku: 'A' }, 1);
  await assert.rejects(relay.complete(100), { kind: 'cart-changed' });
  assert.deepEqual([relay.cart.pieces, relay.changes], [5, changes]);
  assert.deepEqual(await relay.complete(120), { number: '7' });
  assert.deepEqual([relay.cart, kept.size], [null, 0]);
});

test('a browser that keeps nothing still has a cart for the page', async () => {
  const refuse = () => {
    throw new Error('denied');
  };
  const storage = { getItem: refuse, setItem: refuse, removeItem: refuse };
  const relay = new Relay(URL, { storage, fetch: async () => ({ ok: true, headers: new Headers(), json: async () => made }) });
  await relay.add({ sku: 'A' }, 1);
  assert.equal(relay.token, 'cct_1');
});

test('a key is 32 hexadecimal digits, never the same', () => {
  const keys = new Set(Array.from({ length: 100 }, () => newKey()));
  assert.equal(keys.size, 100);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
});

// ---- offers ----

const offer = (sku, minor, min_quantity = 1) => ({ sku, variant: `v-${sku}`, min_quantity, amount: { minor } });
const settled = () => new Promise((resolve) => setTimeout(resolve));

test('articles of a page are asked for together, a hundred at a time', async () => {
  const { relay, asked } = scripted({ offers: [offer('S0', 5)] }, { offers: [] });
  const offers = new Offers(relay);
  const seen = [];
  for (let number = 0; number < 101; number += 1) offers.follow({ sku: `S${number}` }, (found) => seen.push(found.length));
  await settled();
  assert.deepEqual(asked.map(({ url }) => new globalThis.URL(url).searchParams.getAll('sku').length), [100, 1]);
  assert.deepEqual(seen, [1, ...Array(100).fill(0)]);
});

test('followers are told once known, again when it changes, and no more once they stopped', async () => {
  const { relay } = scripted({ offers: [offer('A', 5, 10), offer('A', 9)] }, { offers: [offer('A', 7)] });
  const offers = new Offers(relay);
  const seen = [];
  const stop = offers.follow({ sku: 'A' }, (found) => seen.push(found.map(({ amount }) => amount.minor)));
  await settled();
  const late = [];
  offers.follow({ variant: 'v-A' }, (found) => late.push(found.length));
  await settled();
  assert.deepEqual(seen, [[9, 5], [7]]);
  assert.deepEqual(late, [1]);
  stop();
  offers.take({ gone: ['v-A'] });
  assert.equal(seen.length, 2);
  assert.deepEqual(late, [1, 0]);
});

test('what is no longer offered is told to who follows its SKU, too', async () => {
  const { relay } = scripted({ offers: [offer('A', 5), { ...offer('A', 6), variant: 'v-other' }] });
  const offers = new Offers(relay);
  const seen = [];
  offers.follow({ sku: 'A' }, (found) => seen.push(found.map(({ variant }) => variant)));
  await settled();
  offers.take({ gone: ['v-A'] });
  offers.take({ gone: ['v-other'] });
  assert.deepEqual(seen, [['v-A', 'v-other'], ['v-other'], []]);
});

test('where the relay is away, what stands goes on standing', async () => {
  const { relay } = scripted(down(), down(), down());
  const offers = new Offers(relay);
  let told = 0;
  offers.follow({ sku: 'A' }, () => (told += 1));
  await settled();
  await settled();
  assert.equal(told, 0);
});

test('the price of a quantity is that of the highest step it reaches', () => {
  const steps = [offer('A', 9), offer('A', 7, 10), offer('A', 5, 100)];
  assert.deepEqual([1, 9, 10, 99, 100].map((wanted) => offerFor(steps, wanted).amount.minor), [9, 9, 7, 7, 5]);
  assert.equal(offerFor([offer('A', 7, 10)], 9), null);
});

// ---- one cart with the page's site ----

/** A site that keeps a token in a cookie that only it reads, and a mark beside it. */
function keeping(token, mark) {
  const site = { token, mark, told: [], ok: true };
  site.fetch = async (url, { body }) => {
    if (!site.ok) return { ok: false, json: async () => ({ code: 'no' }) };
    const said = JSON.parse(body);
    site.told.push(said);
    if ('token' in said) Object.assign(site, { token: said.token, mark: `mark of ${said.token}` });
    return { ok: true, json: async () => ({ token: site.token }) };
  };
  site.cookies = () => (site.mark ? `other=1; commerce_cart=${site.mark}; more=2` : 'other=1');
  return site;
}

async function shared(relay, site) {
  const { fetch } = relay;
  relay.fetch = (url, request) => (url === '/cart' ? site : { fetch }).fetch(url, request);
  relay.share(new SitesCart('/cart', relay, site.cookies));
  await relay.last;
}

test("the site's cart is taken where its mark is not known, and not asked for again", async () => {
  const { relay, kept } = scripted({ cart: cart(3), changes: [] });
  const site = keeping('cct_site', 'm1');
  await shared(relay, site);
  await relay.read();
  assert.equal(relay.token, 'cct_site');
  assert.deepEqual([relay.cart.pieces, kept.get(`${relay.slot} mark`), site.told], [3, 'm1', [{}]]);
  await shared(relay, site);
  assert.equal(site.told.length, 1);
});

test('the site is told of a new token, and that the cart is over', async () => {
  const { relay } = scripted(made);
  const site = keeping(null, '');
  await shared(relay, site);
  assert.deepEqual(site.told, []);
  await relay.add({ sku: 'A' }, 1);
  relay.forget();
  await settled();
  assert.deepEqual(site.told, [{ token: 'cct_1' }, { token: null }]);
});

test('a new cart is told after the end of the old one, however slow the site is', async () => {
  const { relay, kept } = scripted(made, problem('ordered'), { ...made, token: 'cct_2' });
  const site = keeping(null, '');
  await shared(relay, site);
  await relay.add({ sku: 'A' }, 1);
  await settled();
  const waiting = [];
  const { fetch } = site;
  site.fetch = (...all) => new Promise((come) => waiting.push(() => come(fetch(...all))));
  await relay.add({ sku: 'B' }, 1);
  await settled();
  assert.equal(waiting.length, 1);
  while (waiting.length) {
    waiting.pop()();
    await settled();
  }
  assert.deepEqual(site.told, [{ token: 'cct_1' }, { token: null }, { token: 'cct_2' }]);
  assert.deepEqual([site.token, kept.get(`${relay.slot} mark`)], ['cct_2', 'mark of cct_2']);
});

test('a site that does not answer costs no cart, and is told later', async () => {
  const { relay } = scripted(made);
  const site = keeping(null, '');
  await shared(relay, site);
  site.ok = false;
  await relay.add({ sku: 'A' }, 1);
  await settled();
  assert.equal(relay.token, 'cct_1');
  site.mark = 'other';
  await shared(relay, site);
  assert.equal(relay.token, 'cct_1');
  Object.assign(site, { ok: true, mark: '' });
  await shared(relay, site);
  assert.deepEqual(site.told, [{ token: 'cct_1' }]);
});

// ---- words ----

test('words fall back to English, and blanks are filled with what is there', () => {
  assert.equal(speaker('de-AT')('left', { count: 2 }), 'Nur noch 2 da');
  assert.equal(speaker('nl')('cart'), 'Cart');
  assert.equal(speaker('de', { cart: 'Korb {x}' })('cart'), 'Korb ');
  assert.equal(speaker('')('no such word'), 'no such word');
});
