/**
 * The cart that the page's own site keeps for this browser, for forms that are sent without script.
 *
 * Its token is in a cookie that no script reads: the site is asked for it, and told of a new one. The
 * mark in another cookie says when: whenever it is not the known one.
 */

const LONGEST_MS = 4000;

export class SitesCart {
  /** `slot` is where the known mark is kept; `cookies` answers those of the page. */
  constructor(url, slot, storage, fetch = globalThis.fetch, cookies = () => document.cookie) {
    Object.assign(this, { url, slot, storage, cookies, fetch: (...all) => fetch(...all) });
  }

  /** Give the relay's client what the site has, or the site what it has not been told of. */
  async agree(relay) {
    const known = this.storage.getItem(this.slot);
    const mark = this.mark();
    if (mark && mark !== known) relay.keep(await this.ask({}));
    else if (known === null && relay.token) await this.tell(relay.token);
  }

  /** Tell the site of a new token; null: the cart is over. */
  async tell(token) {
    this.storage.removeItem(this.slot);
    await this.ask({ token });
  }

  mark() {
    return /(?:^|; )commerce_cart=([^;]*)/.exec(this.cookies())?.[1];
  }

  async ask(said) {
    const response = await this.fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(said),
      keepalive: true,
      signal: AbortSignal.timeout(LONGEST_MS),
    });
    if (!response.ok) throw response;
    const { token } = await response.json();
    this.storage.setItem(this.slot, this.mark() ?? '');
    return token;
  }
}
