/**
 * The cart that the page's site keeps for forms without script, its token in a cookie that no script
 * reads. Another mark than the known one: the site has another token.
 */

export class SitesCart {
  constructor(url, relay, cookies = () => document.cookie) {
    Object.assign(this, { url, relay, cookies, slot: `${relay.slot} mark` });
  }

  /** Give the relay's client what the site has, or the site what it has not been told of. */
  async agree() {
    const { storage, token } = this.relay;
    const known = storage.getItem(this.slot);
    const mark = this.mark();
    if (mark && mark !== known) this.relay.keep(await this.ask({}));
    else if (token && known === null) await this.tell(token);
  }

  async tell(token) {
    this.relay.storage.removeItem(this.slot);
    await this.ask({ token });
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
    this.relay.storage.setItem(this.slot, this.mark() ?? '');
    return token;
  }
}
