/**
 * <commerce-checkout>: to the engine's own checkout, or step by step through the relay.
 *
 * What stands inside (a form of the CMS) stays until the script is there. Card numbers never come
 * here: `commerce-payment` is fired before the order with the provider and its session, and whoever
 * handles it (the provider's own script) calls `detail.wait(promise)`. `commerce-ordered` is fired
 * with the order, which is shown with its number and kept nowhere.
 */

import { sumRows } from './cart.js';
import { h, page, sentence, webAddress } from './page.js';
import { isUnsure, newKey } from './relay.js';
import { dressed } from './style.js';

const ADDRESS = [
  ['first_name', 'given-name', true],
  ['last_name', 'family-name', true],
  ['line_1', 'address-line1', true],
  ['line_2', 'address-line2', false],
  ['postal_code', 'postal-code', true],
  ['city', 'address-level2', true],
  ['country', 'country', true],
];

class Checkout extends HTMLElement {
  connectedCallback() {
    this.page = page();
    if (!this.page || this.shadowRoot) return;
    this.alarm = h('div', { role: 'alert', part: 'alert' });
    this.place = h('div', { part: 'step' });
    dressed(this).replaceChildren(h('section', { part: 'checkout' }, this.alarm, this.place));
    addEventListener('pageshow', (event) => event.persisted && this.work(() => this.begin()));
    this.work(() => this.begin());
  }

  /** Where this shopper is: back from a hosted checkout with an order, or at the beginning. */
  async begin() {
    const { relay, say } = this.page;
    const cart = await relay.read();
    if (cart?.ordered) {
      const { order } = await relay.look('/order');
      relay.forget();
      return this.thank(order);
    }
    if (!cart?.lines.length) return this.show(h('p', {}, say('nothing')));
    const back = webAddress(this.getAttribute('return-url') ?? '') ?? location.href.split('#')[0];
    const { kind, url, changes } = await relay.checkout(back);
    const target = kind === 'redirect' ? webAddress(url ?? '') : null;
    if (target) this.leave(target);
    else this.contact();
    return this.tell(changes);
  }

  /** Nobody is sent away unasked: the way back would end here again. */
  leave(target) {
    const { relay, say } = this.page;
    const sums = h('dl', { part: 'sums' }, ...sumRows(relay.cart, say));
    this.form('cart', [sums], () => location.assign(target), null, say('checkout'));
  }

  // ---- the steps ----

  contact() {
    const { relay, say } = this.page;
    const { cart } = relay;
    const known = cart.shipping_address ?? {};
    const field = (name, complete, required, value, more = {}) =>
      h('label', {}, say(name), h('input', { name, autocomplete: complete, required, value: value || null, maxlength: '200', part: 'field', ...more }));
    this.form('contact', [
      field('email', 'email', true, cart.email, { type: 'email' }),
      ...ADDRESS.map(([name, complete, required]) =>
        field(name, `shipping ${complete}`, required, known[name], name === 'country' ? { pattern: '[A-Za-z]{2}', maxlength: '2' } : {}),
      ),
    ], async (fields) => {
      const { email, ...address } = Object.fromEntries(fields);
      address.country = address.country.toUpperCase();
      await relay.change('PATCH', '', { email, shipping_address: address });
      await this.shipping();
    });
  }

  async shipping() {
    const { relay, say } = this.page;
    const { options } = await relay.look('/shipping-options');
    if (!options.length) return this.payment();
    const chosen = relay.cart.shipping?.id ?? options[0].id;
    const rows = options.map(({ id, name, price }) => this.choice('option', id, `${name}${price ? `, ${price.minor ? price.text : say('free')}` : ''}`, id === chosen));
    return this.form('shipping', rows, async (fields) => {
      await relay.change('PUT', '/shipping', { option: fields.get('option') });
      await this.payment();
    }, () => this.contact());
  }

  async payment() {
    const { relay } = this.page;
    const { providers } = await relay.look('/payment-providers');
    if (providers.length === 1) return this.pay(providers[0].id);
    const rows = providers.map(({ id }, place) => this.choice('provider', id, this.providerName(id), place === 0));
    return this.form('payment', rows, (fields) => this.pay(fields.get('provider')), () => this.shipping());
  }

  async pay(provider) {
    await this.page.relay.change('PUT', '/payment', { provider });
    this.review(provider);
  }

  review(provider) {
    const { relay, say } = this.page;
    const { cart } = relay;
    const lines = cart.lines.map((line) => h('li', { part: 'line' }, `${line.quantity} × ${line.title}, ${line.total.text}`));
    let key = newKey();
    this.form('total', [h('ul', { part: 'lines' }, ...lines), h('dl', { part: 'sums' }, ...sumRows(cart, say))], async () => {
      await this.paid(provider, cart.payment?.session ?? {});
      try {
        this.thank(await relay.complete(cart.total.minor, key));
      } catch (refusal) {
        if (!isUnsure(refusal)) key = newKey();
        if (refusal.answer?.cart) await this.again(provider);
        throw refusal;
      }
    }, () => this.contact(), say('order', { total: cart.total.text }));
  }

  /** Some engines forget the payment of another total. */
  again(provider) {
    return this.page.relay.cart.needs.includes('payment') ? this.pay(provider) : this.review(provider);
  }

  /** Let the provider's own script do its part. */
  async paid(provider, session) {
    const waiting = [];
    const detail = { provider, session, wait: (promise) => waiting.push(promise) };
    this.dispatchEvent(new CustomEvent('commerce-payment', { bubbles: true, detail }));
    await Promise.all(waiting);
  }

  thank(order) {
    const { say } = this.page;
    const lines = order.lines.map((line) => h('li', { part: 'line' }, `${line.quantity} × ${line.title}, ${line.total.text}`));
    this.show(h('h2', { part: 'thanks', tabindex: '-1' }, say('thanks', { number: order.number })), h('ul', { part: 'lines' }, ...lines), h('dl', { part: 'sums' }, ...sumRows(order, say)));
    this.dispatchEvent(new CustomEvent('commerce-ordered', { bubbles: true, detail: { order } }));
  }

  // ---- inside ----

  providerName(id) {
    return this.querySelector(`[data-provider="${CSS.escape(id)}"]`)?.textContent.trim() || id;
  }

  choice(name, value, text, checked) {
    return h('label', { class: 'choice', part: 'choice' }, h('input', { type: 'radio', name, value, checked, required: true }), text);
  }

  /** A step: its fields, what comes of them, how to go back. */
  form(title, fields, submit, back = null, says = this.page.say('next')) {
    const main = h('button', { class: 'main', part: 'next' }, says);
    const again = back && h('button', { type: 'button', part: 'back', onclick: () => this.work(back) }, this.page.say('back'));
    const send = (event) => {
      event.preventDefault();
      this.work(() => submit(new FormData(event.target)));
    };
    const heading = h('h2', { tabindex: '-1', part: 'title', id: 'step' }, this.page.say(title));
    this.show(h('form', { onsubmit: send, 'aria-labelledby': 'step' }, heading, h('fieldset', { 'aria-labelledby': 'step' }, ...fields), h('div', { class: 'row' }, again, main)));
  }

  show(...inside) {
    this.place.replaceChildren(...inside);
    if (this.begun) this.place.querySelector('h2')?.focus();
    this.begun = true;
  }

  /** One thing at a time; what goes wrong is said, and what was written in the fields stays. */
  async work(what) {
    if (this.hasAttribute('busy')) return;
    this.toggleAttribute('busy', true);
    this.alarm.replaceChildren();
    try {
      await what();
    } catch (refusal) {
      const changes = refusal.answer?.changes ?? [];
      if (changes.length) this.tell(changes);
      else this.alarm.replaceChildren(h('p', {}, sentence(this.page.say, refusal)));
    }
    this.toggleAttribute('busy', false);
  }

  tell(changes) {
    const told = changes.length ? [this.page.say('changed'), ...changes.map((each) => each.says)] : [];
    this.alarm.replaceChildren(...told.map((text) => h('p', {}, text)));
  }
}

customElements.define('commerce-checkout', Checkout);
