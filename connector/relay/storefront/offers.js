/**
 * Live price and stock of everything on a page by one request.
 *
 * Elements say which article they show; those that say so before the page has settled are asked for
 * together. Knows the relay's client and no document.
 */

const MOST = 100;

export class Offers {
  /** `settle` calls back once everybody had the chance to say what they show. */
  constructor(relay, settle = queueMicrotask) {
    this.relay = relay;
    this.settle = (work) => settle(work);
    this.shown = new Map();
    this.known = new Map();
    this.waiting = new Set();
  }

  /** Tell `show` of an article's offers now and whenever they change; answers how to stop. */
  follow(article, show) {
    const key = keyOf(article);
    if (!this.shown.has(key)) this.shown.set(key, new Set());
    this.shown.get(key).add(show);
    if (this.known.has(key)) show(this.known.get(key));
    else this.want(key);
    return () => this.shown.get(key)?.delete(show);
  }

  /** Ask again for all that is shown, as when a shopper comes back to the page. */
  refresh() {
    for (const [key, followers] of this.shown) if (followers.size) this.want(key);
  }

  /** Let the relay tell of changes as they come, as long as the page is open. */
  listen(Source = globalThis.EventSource) {
    const articles = [...this.shown.keys()].slice(0, MOST);
    const query = this.relay.offersQuery(...byKind(articles));
    const source = new Source(`${this.relay.url}/offers/stream?${query}`);
    source.addEventListener('offers', (event) => this.take(JSON.parse(event.data)));
    return () => source.close();
  }

  // ---- inside ----

  want(key) {
    if (!this.waiting.size) this.settle(() => this.ask());
    this.waiting.add(key);
  }

  async ask() {
    const keys = [...this.waiting];
    this.waiting.clear();
    for (let start = 0; start < keys.length; start += MOST) {
      const some = keys.slice(start, start + MOST);
      try {
        this.take(await this.relay.offers(...byKind(some)), some);
      } catch {
        // What the page was rendered with goes on standing.
      }
    }
  }

  /** `asked` that are not among the offers are not sold (any more). */
  take({ offers = [], gone = [] }, asked = []) {
    const found = new Map(asked.map((key) => [key, []]));
    for (const offer of offers) {
      for (const key of [keyOf({ sku: offer.sku }), keyOf({ variant: offer.variant })]) {
        if (this.shown.has(key)) found.set(key, [...(found.get(key) ?? []), offer]);
      }
    }
    const isLeft = ({ variant }) => !gone.includes(variant);
    for (const [key, known] of this.known) {
      if (!known.every(isLeft)) found.set(key, (found.get(key) ?? known).filter(isLeft));
    }
    for (const [key, list] of found) {
      list.sort((one, other) => one.min_quantity - other.min_quantity);
      this.known.set(key, list);
      for (const show of this.shown.get(key) ?? []) show(list);
    }
  }
}

/** The offer that holds for so many pieces; null where none does. */
export function offerFor(offers, quantity = 1) {
  return offers.filter((each) => each.min_quantity <= quantity).at(-1) ?? null;
}

function keyOf({ sku, variant }) {
  return variant ? `variant ${variant}` : `sku ${sku}`;
}

function byKind(keys) {
  const of = (kind) => keys.filter((key) => key.startsWith(`${kind} `)).map((key) => key.slice(kind.length + 1));
  return [of('sku'), of('variant')];
}
