/**
 * What the elements of one page share: the relay, the offers, the words, and how to build markup.
 *
 * The page says where its relay is, once, in its head:
 * <meta name="commerce-connector" content="https://relay.example/v1/blog" data-market="main">
 * Nothing here writes markup from text: all that comes from outside stands as text.
 */

import { Offers } from './offers.js';
import { Relay, SitesCart } from './relay.js';
import { speaker } from './words.js';

let shared = null;

/** The page's relay, offers and words; null where the page names no relay. */
export function page() {
  const meta = document.querySelector('meta[name="commerce-connector"]');
  if (!shared && meta?.content) shared = begin(meta);
  return shared;
}

function begin(meta) {
  const relay = new Relay(meta.content, { market: meta.dataset.market || null, storage: storage() });
  const { cart } = meta.dataset;
  const share = () => cart && relay.share(new SitesCart(cart, relay, () => document.cookie));
  share();
  const offers = new Offers(relay);
  const say = speaker(document.documentElement.lang, ownWords());
  const changed = `${relay.slot} at`;
  addEventListener('storage', (event) => event.key === changed && relay.read().catch(() => {}));
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    share();
    relay.read().catch(() => {});
    offers.refresh();
  });
  if ('live' in meta.dataset) whenLoaded(() => offers.listen());
  return { relay, offers, say };
}

function whenLoaded(work) {
  if (document.readyState === 'complete') setTimeout(work);
  else addEventListener('load', work, { once: true });
}

function storage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

function ownWords() {
  try {
    return JSON.parse(document.getElementById('commerce-words')?.textContent ?? '{}');
  } catch {
    return {};
  }
}

/** What went wrong, in a sentence for the shopper. */
export function sentence(say, refusal) {
  const { left } = refusal?.answer ?? {};
  const more = left > 0 ? ` ${say('left', { count: left })}.` : '';
  return (refusal?.message || say('away')) + more;
}

/** An element: names with `on` are listeners, `part` and attributes as they are, the rest inside. */
export function h(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...inside.filter((each) => each !== null && each !== undefined));
  return element;
}

/** An address of a picture or page that may be used; null for anything but the web. */
export function webAddress(text) {
  try {
    const url = new URL(text, document.baseURI);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
