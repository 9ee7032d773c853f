/**
 * <commerce-cart>: a button with a drawer, or with view="page" the cart itself.
 *
 * What stands inside (a link to the CMS's own cart) stays until the script is there. `checkout` is
 * the address of the page with <commerce-checkout>. Fires `commerce-checkout` before going there.
 */

import { h, page, sentence, webAddress } from './page.js';
import { dressed } from './style.js';

class Cart extends HTMLElement {
  connectedCallback() {
    this.page = page();
    if (!this.page) return;
    this.isPage = this.getAttribute('view') === 'page';
    if (!this.shadowRoot) this.build();
    this.draw = () => this.render();
    this.page.relay.addEventListener('cart', this.draw);
    this.opens = () => this.hasAttribute('opens') && !this.isPage && this.open();
    document.addEventListener('commerce-added', this.opens);
    this.load();
  }

  disconnectedCallback() {
    this.page?.relay.removeEventListener('cart', this.draw);
    document.removeEventListener('commerce-added', this.opens);
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
  }

  // ---- inside ----

  build() {
    const { say } = this.page;
    this.status = h('p', { role: 'status', class: 'hidden' });
    this.alarm = h('div', { role: 'alert', part: 'alert' });
    this.notes = h('div', { part: 'changes' });
    this.list = h('ul', { part: 'lines' });
    this.sums = h('dl', { part: 'sums' });
    this.codes = this.codeForm();
    this.nothing = h('p', { part: 'empty' }, say('empty'));
    this.go = h('button', { type: 'button', class: 'main', part: 'checkout', onclick: () => this.leave() }, say('checkout'));
    const body = [this.alarm, this.notes, this.nothing, this.list, this.codes, this.sums, h('div', { class: 'row' }, this.go)];
    const root = dressed(this);
    if (this.isPage) {
      this.heading = h('h2', { part: 'title', tabindex: '-1' }, say('cart'));
      root.replaceChildren(h('section', { part: 'cart', 'aria-label': say('cart') }, this.heading, ...body, this.status));
      return;
    }
    this.count = h('span', { part: 'count', 'aria-hidden': 'true' });
    this.spoken = h('span', { class: 'hidden' });
    this.button = h(
      'button',
      { type: 'button', part: 'button', 'aria-haspopup': 'dialog', onclick: () => this.open() },
      h('span', { 'aria-hidden': 'true' }, say('cart'), ' '),
      this.count,
      this.spoken,
    );
    const close = h('button', { type: 'button', part: 'close', 'aria-label': say('close'), onclick: () => this.dialog.close() }, '×');
    this.heading = h('h2', { part: 'title', id: 'title', tabindex: '-1', autofocus: true }, say('cart'));
    this.dialog = h('dialog', { part: 'drawer', 'aria-labelledby': 'title' }, h('header', {}, this.heading, close), ...body, this.status);
    this.dialog.addEventListener('click', (event) => event.target === this.dialog && this.dialog.close());
    root.replaceChildren(this.button, this.dialog);
  }

  codeForm() {
    const { say } = this.page;
    const field = h('input', { name: 'code', maxlength: '64', autocomplete: 'off', required: true, part: 'field' });
    const submit = (event) => {
      event.preventDefault();
      this.work(async () => {
        await this.page.relay.addCode(field.value.trim());
        field.value = '';
      });
    };
    return h('form', { class: 'code', part: 'code', onsubmit: submit }, h('label', {}, say('code'), field), h('button', {}, say('apply')));
  }

  load() {
    if (!this.page.relay.cart) this.page.relay.read().catch((refusal) => this.alarmed(refusal));
    this.render();
  }

  /** Do something with the cart; what goes wrong is said, and the cart read as it is. */
  async work(what, done) {
    this.alarm.textContent = '';
    try {
      await what();
      const { cart } = this.page.relay;
      if (cart) this.status.textContent = done ?? this.page.say('updated', { total: cart.total.text });
    } catch (refusal) {
      this.alarmed(refusal);
      await this.page.relay.read().catch(() => {});
    }
  }

  alarmed(refusal) {
    if (this.isPage || this.dialog.open || refusal.kind !== 'away') {
      this.alarm.textContent = sentence(this.page.say, refusal);
    }
  }

  render() {
    const { relay, say } = this.page;
    const cart = relay.cart?.ordered ? null : relay.cart;
    const pieces = cart?.pieces ?? 0;
    if (!this.isPage) {
      this.count.textContent = pieces;
      this.spoken.textContent = say('pieces', { count: pieces });
    }
    this.toggleAttribute('empty', !pieces);
    this.nothing.hidden = pieces > 0;
    for (const each of [this.codes, this.sums, this.go, this.list]) each.hidden = !pieces;
    this.notes.replaceChildren(...relay.changes.map((change) => h('p', { role: 'status', part: 'change' }, change.says)));
    this.lines(cart?.lines ?? []);
    this.sums.replaceChildren(...(cart ? sumRows(cart, say) : []), ...(cart ? this.codeRows(cart) : []));
  }

  /** Lines keep their markup, and so the focus, as long as they are in the cart. */
  lines(lines) {
    const known = new Map([...this.list.children].map((row) => [row.dataset.line, row]));
    const rows = lines.map((line) => {
      const row = known.get(line.id) ?? this.row(line);
      known.delete(line.id);
      row.fill(line);
      return row;
    });
    for (const row of known.values()) {
      if (row.contains(this.shadowRoot.activeElement)) this.heading.focus();
      row.remove();
    }
    rows.forEach((row, place) => {
      if (this.list.children[place] !== row) this.list.insertBefore(row, this.list.children[place] ?? null);
    });
  }

  row(line) {
    const { relay, say } = this.page;
    const { title } = line;
    const set = (quantity) => this.work(() => relay.setLine(line.id, quantity), quantity ? undefined : say('removed', { title }));
    const field = h('input', { type: 'number', min: '0', max: '999', step: '1', inputmode: 'numeric', 'aria-label': say('quantity', { title }), part: 'field' });
    field.addEventListener('change', () => (field.value ? set(Math.min(999, Math.max(0, Math.trunc(field.value)))) : this.render()));
    const step = (name, sign, by) =>
      h('button', { type: 'button', 'aria-label': say(name, { title }), part: 'step', onclick: () => set((field.value = Math.max(0, Number(field.value) + by))) }, sign);
    const amount = h('span', { class: 'amount', part: 'amount' });
    const each = h('small', { part: 'unit-price' });
    const image = webAddress(line.image ?? '');
    const row = h(
      'li',
      { class: 'line', part: 'line', 'data-line': line.id },
      line.image && image ? h('img', { src: image, alt: '', loading: 'lazy', part: 'image' }) : h('span'),
      h('span', { class: 'words' }, h('strong', { part: 'line-title' }, title), line.variant_title ? h('small', {}, line.variant_title) : null, each),
      amount,
      h('span', { class: 'steps' }, step('less', '−', -1), field, step('more', '+', 1), h('button', { type: 'button', 'aria-label': say('remove', { title }), part: 'remove', onclick: () => set(0) }, '×')),
    );
    row.fill = (now) => {
      if (field.value !== String(now.quantity)) field.value = now.quantity;
      amount.textContent = now.total.text;
      each.textContent = now.unit_price.text;
    };
    return row;
  }

  codeRows(cart) {
    const { relay, say } = this.page;
    return cart.promotions.flatMap((code) => [
      h('dt', {}, code),
      h('dd', {}, h('button', { type: 'button', 'aria-label': say('remove_code', { code }), onclick: () => this.work(() => relay.removeCode(code)) }, '×')),
    ]);
  }

  leave() {
    const going = new CustomEvent('commerce-checkout', { bubbles: true, cancelable: true });
    const target = webAddress(this.getAttribute('checkout') ?? '');
    if (this.dispatchEvent(going) && this.hasAttribute('checkout') && target) location.assign(target);
  }
}

/** What it comes to, as rows of a list of terms. */
export function sumRows(cart, say) {
  const rows = [['subtotal', cart.subtotal]];
  if (cart.discount.minor) rows.push(['discount', { text: `−${cart.discount.text}` }]);
  if (cart.shipping || cart.shipping_total.minor) rows.push(['shipping', cart.shipping_total]);
  if (cart.tax.minor) rows.push([cart.tax_included ? 'tax_included' : 'tax', cart.tax]);
  return [...rows, ['total', cart.total]].flatMap(([name, amount]) => [
    h('dt', { class: name, part: name }, say(name)),
    h('dd', { class: name, part: name }, amount.text),
  ]);
}

customElements.define('commerce-cart', Cart);
