/**
 * @file
 * Follows how a product stands: what becomes of a request, and what the shop
 * changed since the form was opened. Sentences come from the server.
 */
((Drupal, once) => {
  const REST_MS = 10000;
  const FOLLOW_MS = 500;

  const isUnderWay = (one) => ['waiting', 'working'].includes(one.standing);

  function make(tag, text, ...children) {
    const element = document.createElement(tag);
    element.textContent = text;
    element.append(...children);
    return element;
  }

  /** What has become of the newest request. */
  function say(panel, [newest]) {
    const live = panel.querySelector('.commerce-connector-live');
    if (!newest || !live) return;
    const text = `${newest.says} ${newest.changes.join(' ')}`;
    if (live.dataset.said === text) return;
    live.dataset.said = text;
    const list = make('ul', '', ...newest.changes.map((each) => make('li', each)));
    const said = make('div', '', make('p', newest.says), ...(newest.changes.length ? [list] : []));
    said.className = 'commerce-connector-says';
    live.replaceChildren(said);
  }

  /** What the shop changed since the form was opened. */
  function warn(panel, opened, marks) {
    const changed = Object.keys(marks).filter((name) => opened[name] && opened[name].mark !== marks[name].mark);
    if (!changed.length || panel.querySelector('.commerce-connector-changed')) return;
    const fields = changed.map((name) => make('li', `${marks[name].label}: “${marks[name].shop}”`));
    const notice = make('div', '', make('strong', Drupal.t('Changed in the shop since you opened this page')), make('ul', '', ...fields), make('p', Drupal.t('Your editor still shows the old words, and its save will be refused, so that nothing is lost. Copy what you have written, then reload.')));
    notice.className = 'commerce-connector-says is-alert commerce-connector-changed';
    notice.setAttribute('role', 'alert');
    panel.prepend(notice);
  }

  function follow(panel) {
    let opened = null;
    const look = async () => {
      let pause = REST_MS;
      try {
        const answer = await fetch(panel.dataset.stateUrl, { headers: { accept: 'application/json' } });
        if (!answer.ok) throw new Error(answer.status);
        const told = await answer.json();
        opened = opened || told.marks;
        say(panel, told.requests);
        warn(panel, opened, told.marks);
        if (told.requests.some(isUnderWay)) pause = FOLLOW_MS;
      } catch {
        // Said nothing: what stands on the page still holds, and it is asked again.
      }
      if (panel.isConnected) setTimeout(look, pause);
    };
    look();
  }

  Drupal.behaviors.commerceConnectorPanel = {
    attach(context) {
      once('commerce-connector-panel', '.commerce-connector-panel[data-state-url]', context).forEach(follow);
    },
  };
})(Drupal, once);
