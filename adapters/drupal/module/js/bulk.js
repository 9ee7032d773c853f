/**
 * @file
 * Follows a resync of many products. Sentences come from the server.
 */
((Drupal, once) => {
  const FOLLOW_MS = 1000;

  function make(tag, props, ...children) {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
  }

  function problem(one) {
    const title = one.url ? make('a', { href: one.url, textContent: one.title }) : one.title;
    return make('li', {}, title, `: ${one.says}`);
  }

  /** What is read out: each tenth of the way, each new problem, and the end. */
  function step(told) {
    return told.is_over ? 'over' : `${Math.floor((10 * told.done) / told.total)} ${told.failed}`;
  }

  function follow(root) {
    let shown = '';
    let listed = '';
    const say = (text, tone) => {
      const state = root.querySelector('.commerce-connector-state');
      state.className = `commerce-connector-state is-${tone}`;
      state.firstElementChild.textContent = text;
    };
    const show = (told) => {
      const bar = root.querySelector('progress');
      bar.max = told.total;
      bar.value = told.done + told.failed;
      say(told.says, told.tone);
      const problems = JSON.stringify([told.problems, told.more]);
      if (problems !== listed) {
        listed = problems;
        const list = make('ul', {}, ...told.problems.map(problem));
        root.querySelector('.commerce-connector-problems').replaceChildren(...(told.problems.length ? [list, make('p', {}, told.more)] : []));
      }
      if (step(told) !== shown) {
        shown = step(told);
        Drupal.announce(told.says);
      }
    };
    const look = async () => {
      let again = true;
      try {
        const answer = await fetch(root.dataset.stateUrl, { headers: { accept: 'application/json' } });
        if (answer.status === 403) {
          say(Drupal.t('You are no longer logged in. The resync goes on; log in again in another tab to follow it.'), 'wait');
        } else if (answer.ok) {
          const told = await answer.json();
          show(told);
          again = !told.is_over;
        }
      } catch {
        // Said nothing: what stands on the page still holds, and it is asked again.
      }
      if (again && root.isConnected) setTimeout(look, FOLLOW_MS);
    };
    look();
  }

  Drupal.behaviors.commerceConnectorBulk = {
    attach(context) {
      once('commerce-connector-bulk', '.commerce-connector-bulk', context).forEach(follow);
    },
  };
})(Drupal, once);
