/**
 * The relay's API as a page needs it: one cart, named by the token that this browser keeps and may
 * share with the page's site.
 *
 * What is repeated has the same key, so that it happens once; changes go one after the other.
 * Knows no element and no document.
 */

export const PROBLEM = 'urn:commerce-connector:problem:';
const TRIES = 3;
const LONGEST_WAIT_SECONDS = 5;

/** What the relay, or the way to it, refused. `message` is a sentence for the shopper, or "". */
export class Refusal extends Error {
  constructor(kind, answer = {}) {
    super(answer.detail || '');
    this.kind = kind;
    this.answer = answer;
  }
}

const UNSURE = ['away', 'under-way', 'outcome-unknown', 'engine-away', 'busy', 'unavailable', 'rate'];

/** Whether it may have happened, or may yet: the same is asked again with the same key. */
export function isUnsure(refusal) {
  return UNSURE.includes(refusal.kind);
}

/** A key that nobody can guess, for one intention. */
export function newKey(random = globalThis.crypto) {
  const bytes = random.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Relay extends EventTarget {
  /** `url` ends with the site's name: https://relay.example/v1/blog. */
  constructor(url, { market = null, storage = null, fetch = globalThis.fetch, wait = pause } = {}) {
    super();
    this.url = url.replace(/\/+$/, '');
    this.market = market;
    this.cart = null;
    this.changes = [];
    this.slot = `commerce-cart ${this.url}`;
    this.storage = storage;
    this.fetch = (...all) => fetch(...all);
    this.wait = wait;
    this.last = Promise.resolve();
    this.site = null;
    this.asked = this.shown = 0;
  }

  /** Share the cart with the page's site, which may not answer. */
  share(site) {
    this.site = site;
    this.last = this.last.then(() => site.agree()).catch(() => {});
  }

  get token() {
    try {
      return this.storage?.getItem(this.slot) ?? this.kept ?? null;
    } catch {
      return this.kept ?? null;
    }
  }

  set token(token) {
    this.keep(token);
    this.site?.tell(token).catch(() => {});
  }

  keep(token) {
    this.kept = token;
    this.note('', token);
    if (!token) this.note(' at');
  }

  /** Other tabs see it too. */
  note(name, value) {
    try {
      if (value) this.storage?.setItem(this.slot + name, value);
      else this.storage?.removeItem(this.slot + name);
    } catch {
      // Without it the cart lasts for a page.
    }
  }

  /** The cart as the engine has it now; null where there is none. Late answers are let go. */
  async read() {
    if (this.site) await this.last;
    const { token } = this;
    if (!token) return this.hold(null);
    const turn = (this.asked += 1);
    try {
      const answer = await this.send('GET', '/carts/current');
      return turn < this.shown ? this.cart : this.take(answer, turn);
    } catch (refusal) {
      if (refusal.kind !== 'unknown-cart') throw refusal;
      return this.token === token ? this.forget() : this.read();
    }
  }

  /** Put an article into the cart, which is made if there is none. `article`: {sku} or {variant}. */
  add(article, quantity, key = newKey()) {
    const line = { ...article, quantity };
    return this.inTurn(async () => {
      if (this.token) {
        try {
          return await this.ask('POST', '/carts/current/lines', line, key);
        } catch (refusal) {
          if (refusal.kind !== 'unknown-cart' && refusal.kind !== 'ordered') throw refusal;
          this.forget();
        }
      }
      const cart = { lines: [line], ...(this.market && { market: this.market }) };
      return this.ask('POST', '/carts', cart, `${key}-cart`);
    });
  }

  /** Set a line's quantity; 0 takes it out. */
  setLine(line, quantity) {
    return this.change('PUT', `/lines/${encodeURIComponent(line)}`, { quantity });
  }

  addCode(code) {
    return this.change('POST', '/promotions', { code });
  }

  removeCode(code) {
    return this.change('DELETE', `/promotions/${encodeURIComponent(code)}`);
  }

  change(method, path, body, key = newKey()) {
    return this.inTurn(() => this.ask(method, `/carts/current${path}`, body, key));
  }

  /** What hangs below the cart, as it is: shipping options, payment providers, the order. */
  look(path) {
    return this.send('GET', `/carts/current${path}`);
  }

  /** Where to go on: {kind: 'redirect', url} or {kind: 'steps'}. */
  checkout(returnUrl) {
    const wish = returnUrl ? { return_url: returnUrl } : {};
    return this.inTurn(async () => {
      const answer = await this.send('POST', '/carts/current/checkout', wish, newKey());
      this.take(answer);
      return answer;
    });
  }

  /** Order for the total that the shopper saw. Answers the order; the cart is over then. */
  complete(totalMinor, key = newKey()) {
    return this.inTurn(async () => {
      try {
        const path = '/carts/current/complete';
        const { order } = await this.send('POST', path, { total_minor: totalMinor }, key);
        this.forget();
        return order;
      } catch (refusal) {
        if (refusal.answer?.cart) this.take(refusal.answer);
        throw refusal;
      }
    });
  }

  /** Price and stock of articles: at most 100 SKUs and variants together. */
  offers(skus, variants = []) {
    return this.send('GET', `/offers?${this.offersQuery(skus, variants)}`);
  }

  offersQuery(skus, variants = []) {
    const query = new URLSearchParams();
    for (const sku of skus) query.append('sku', sku);
    for (const variant of variants) query.append('variant', variant);
    if (this.market) query.append('market', this.market);
    return query;
  }

  /** The cart is over, or nobody knows it (any more). */
  forget() {
    this.token = null;
    return this.hold(null);
  }

  // ---- inside ----

  inTurn(work) {
    const turn = this.last.then(work);
    this.last = turn.catch(() => {});
    return turn;
  }

  async ask(method, path, body, key) {
    const cart = this.take(await this.send(method, path, body, key));
    this.note(' at', Date.now());
    return cart;
  }

  take(answer, turn) {
    if (answer.token) this.token = answer.token;
    this.changes = answer.changes ?? [];
    return this.hold(answer.cart, turn);
  }

  hold(cart, turn = (this.asked += 1)) {
    this.shown = turn;
    this.cart = cart;
    this.dispatchEvent(new Event('cart'));
    return cart;
  }

  async send(method, path, body, key) {
    const headers = { accept: 'application/json' };
    if (path.startsWith('/carts/current')) headers.authorization = `Bearer ${this.token}`;
    if (key) headers['idempotency-key'] = key;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const request = {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'omit',
    };
    for (let tried = 1; ; tried += 1) {
      const { refusal, answer, again } = await this.once(path, request);
      if (!refusal) return answer;
      if (tried >= TRIES || again === null) throw refusal;
      await this.wait(again);
    }
  }

  /** One try. `again`: seconds after which the same may be asked again; null: it may not. */
  async once(path, request) {
    let response;
    let answer;
    try {
      response = await this.fetch(this.url + path, request);
      answer = await response.json();
    } catch {
      return { refusal: new Refusal('away'), again: 1 };
    }
    if (response.ok) return { answer };
    const type = String(answer?.type ?? '');
    const kind = type.startsWith(PROBLEM) ? type.slice(PROBLEM.length) : 'away';
    const asked = Number(response.headers.get('retry-after') ?? NaN);
    const again = asked > 0 && asked <= LONGEST_WAIT_SECONDS ? asked : null;
    return { refusal: new Refusal(kind, answer ?? {}), again };
  }
}

/**
 * The cart that the page's site keeps for forms without script, its token in a cookie that no script
 * reads. Another mark than the known one: the site has another token.
 */
export class SitesCart {
  constructor(url, relay, cookies) {
    Object.assign(this, { url, relay, cookies, slot: `${relay.slot} mark`, last: Promise.resolve() });
  }

  /** Give the relay's client what the site has, or the site what it has not been told of. */
  async agree() {
    const { storage, token } = this.relay;
    const known = storage.getItem(this.slot);
    const mark = this.mark();
    if (mark && mark !== known) this.relay.keep(await this.ask({}));
    else if (token && known === null) await this.tell(token);
  }

  /** One after the other. */
  async tell(token) {
    this.relay.storage.removeItem(this.slot);
    await (this.last = this.last.catch(() => {}).then(() => this.ask({ token })));
  }

  mark() {
    return /(?:^|; )commerce_cart=([^;]*)/.exec(this.cookies())?.[1];
  }

  async ask(said) {
    const response = await this.relay.fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(said),
      keepalive: true,
      signal: AbortSignal.timeout(4000),
    });
    if (!response.ok) throw response;
    const { token } = await response.json();
    if (said.token === undefined || said.token === this.relay.token) this.relay.storage.setItem(this.slot, this.mark() ?? '');
    return token;
  }
}

function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
