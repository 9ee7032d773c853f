/**
 * <commerce-price>, <commerce-stock> and <commerce-buy>: one article, on the CMS's markup, which
 * works alone. Named by `sku` or `variant`; `for` shows what is chosen in that <commerce-buy>.
 */

import { offerFor } from './offers.js';
import { h, page, sentence } from './page.js';
import { isUnsure, newKey } from './relay.js';

/** Follows the offers of an article. */
class Article extends HTMLElement {
  static observedAttributes = ['sku', 'variant', 'for', 'quantity'];

  connectedCallback() {
    this.page = page();
    this.chosen = (event) => {
      if (event.target.closest?.('commerce-buy')?.id === this.getAttribute('for')) this.restart();
    };
    if (this.hasAttribute('for')) document.addEventListener('change', this.chosen);
    this.restart();
  }

  disconnectedCallback() {
    document.removeEventListener('change', this.chosen);
    this.stop?.();
    this.stop = null;
  }

  attributeChangedCallback() {
    if (this.isConnected && this.page) this.restart();
  }

  restart() {
    const { article, quantity } = this.wanted();
    this.stop?.();
    this.stop = article && this.page?.offers.follow(article, (offers) => this.show(offers, quantity));
  }

  wanted() {
    const form = document.getElementById(this.getAttribute('for') ?? '')?.querySelector('form');
    const own = { article: named(this), quantity: Number(this.getAttribute('quantity')) || 1 };
    return form ? chosenIn(form) : own;
  }
}

function named(element) {
  const variant = element.getAttribute('variant');
  const sku = element.getAttribute('sku');
  if (variant) return { variant };
  return sku ? { sku } : null;
}

/** What a form of <commerce-buy> says: fields `sku` or `variant`, and `quantity`. */
function chosenIn(form) {
  const fields = new FormData(form);
  const variant = fields.get('variant');
  const sku = fields.get('sku');
  const article = variant ? { variant } : sku ? { sku } : named(form.closest('commerce-buy') ?? form);
  return { article, quantity: Math.max(1, Math.trunc(Number(fields.get('quantity'))) || 1) };
}

/** Writes a text only where it is another, so that nothing moves or is read out again. */
function write(element, text) {
  if (element && element.textContent.trim() !== text) element.textContent = text;
}

/** The amount stands in [data-amount], the struck one in [data-compare-at]. */
class Price extends Article {
  show(offers, quantity) {
    const offer = offerFor(offers, quantity);
    this.toggleAttribute('gone', !offer);
    if (!offer) return;
    const amount = this.querySelector('[data-amount]') ?? this.appendOnce('data-amount', 'span');
    write(amount, offer.amount.text);
    const was = offer.compare_at?.text ?? '';
    let struck = this.querySelector('[data-compare-at]');
    if (!struck && was) struck = this.prependStruck();
    if (!struck) return;
    write(struck, was);
    struck.hidden = !was;
  }

  appendOnce(mark, name) {
    const element = h(name, { [mark]: true, part: 'amount' });
    this.replaceChildren(element);
    return element;
  }

  prependStruck() {
    const struck = h('del', { 'data-compare-at': true });
    this.prepend(struck, ' ');
    return struck;
  }
}

/** Says whether there is any; how many only from `low` down (10). */
class Stock extends Article {
  show(offers) {
    const availability = offers[0]?.availability ?? 'out_of_stock';
    const left = offers[0]?.quantity ?? null;
    const low = Number(this.getAttribute('low') ?? 10);
    const few = availability === 'in_stock' && left !== null && left > 0 && left <= low;
    if (this.dataset.availability !== availability || few || this.few) {
      write(this, this.page.say(few ? 'left' : availability, { count: left }));
    }
    this.few = few;
    this.dataset.availability = availability;
  }
}

/** Puts into the cart without leaving the page. */
class Buy extends HTMLElement {
  connectedCallback() {
    this.page = page();
    this.form = this.querySelector('form');
    if (!this.page || !this.form) return;
    if (!this.says) this.begin();
    this.follow();
  }

  begin() {
    this.says = h('p', { role: 'status', 'data-says': true });
    this.says.style.margin = 0;
    this.append(this.says);
    this.form.addEventListener('submit', (event) => this.submit(event));
    this.form.addEventListener('change', () => this.follow());
  }

  follow() {
    const { article } = chosenIn(this.form);
    this.stop?.();
    this.stop = article && this.page.offers.follow(article, (offers) => this.enable(offers));
  }

  disconnectedCallback() {
    this.stop?.();
  }

  /** What cannot be had cannot be ordered; the button goes on saying why to a screen reader. */
  enable(offers) {
    const gone = !offers.length || offers[0].availability === 'out_of_stock';
    const button = this.form.querySelector('[type=submit], button:not([type])');
    button?.setAttribute('aria-disabled', String(gone));
    this.toggleAttribute('sold-out', gone);
  }

  async submit(event) {
    const { article, quantity } = chosenIn(this.form);
    if (!article) return;
    event.preventDefault();
    if (this.hasAttribute('busy')) return;
    if (this.hasAttribute('sold-out')) {
      this.say('alert', this.page.say('out_of_stock'));
      return;
    }
    const intention = JSON.stringify([article, quantity]);
    if (this.intention !== intention) this.key = newKey();
    this.intention = intention;
    this.toggleAttribute('busy', true);
    try {
      const cart = await this.page.relay.add(article, quantity, this.key);
      this.intention = null;
      this.added(article, cart);
    } catch (refusal) {
      if (!isUnsure(refusal)) this.intention = null;
      this.say('alert', sentence(this.page.say, refusal));
    }
    this.toggleAttribute('busy', false);
  }

  added(article, cart) {
    const line = cart.lines.find((each) => each.sku === article.sku || each.variant === article.variant);
    this.say('status', this.page.say('added', { title: line?.title ?? this.page.say('article') }));
    this.dispatchEvent(new CustomEvent('commerce-added', { bubbles: true, detail: { line } }));
  }

  say(role, text) {
    this.says.setAttribute('role', role);
    this.says.textContent = text;
  }
}

customElements.define('commerce-price', Price);
customElements.define('commerce-stock', Stock);
customElements.define('commerce-buy', Buy);
