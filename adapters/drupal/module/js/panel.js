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

  /** A text that is being written outlives a reload and a session that ended. */
  function keep(text) {
    const key = `commerce-connector ${window.location.pathname} ${text.name}`;
    text.value = window.sessionStorage.getItem(key) ?? text.value;
    text.addEventListener('input', () => window.sessionStorage.setItem(key, text.value));
  }

  /** Asks before a form with such a text is sent whether anybody is there to take it. */
  function guard(form) {
    const { stateUrl } = form.querySelector('.commerce-connector-panel').dataset;
    form.addEventListener('click', async (event) => {
      const button = event.target.closest('[type="submit"]');
      if (!button || form.dataset.isHeard) return;
      event.preventDefault();
      const answer = await fetch(stateUrl, { headers: { accept: 'application/json' } }).catch(() => null);
      if (answer?.ok) {
        form.dataset.isHeard = 'yes';
        button.click();
        return;
      }
      const lost = answer && [401, 403].includes(answer.status);
      const why = lost ? Drupal.t('You are no longer logged in. Your text is kept here. Log in again in another tab, then press the button once more.') : Drupal.t('The site does not answer. Your text is kept; please try again.');
      const notice = make('p', why);
      notice.className = 'commerce-connector-says is-alert commerce-connector-unheard';
      notice.setAttribute('role', 'alert');
      form.querySelector('.commerce-connector-unheard')?.remove();
      button.before(notice);
    });
  }

  Drupal.behaviors.commerceConnectorPanel = {
    attach(context) {
      once('commerce-connector-keep', 'form.commerce-connector-panel-form', context).forEach((form) => {
        form.querySelectorAll('textarea[name^="third_"]').forEach(keep);
        guard(form);
      });
      once('commerce-connector-panel', '.commerce-connector-panel[data-state-url]', context).forEach(follow);
    },
  };
})(Drupal, once);
