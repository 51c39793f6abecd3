/* What waits for the one who looks: the number in the title and in the icon of the tab, and notifications where they are wanted. */
(() => {
  const place = document.getElementById('for-me');
  const icon = document.querySelector('link[rel="icon"]');
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

  /** What this browser keeps; nothing where it keeps nothing. */
  const kept = {
    read(name) {
      try {
        return localStorage.getItem(`tocsin ${name}`);
      } catch {
        return null;
      }
    },
    write(name, text) {
      try {
        localStorage.setItem(`tocsin ${name}`, text);
      } catch {
        // A browser that keeps nothing asks again on the next page.
      }
    },
  };

  /** The server shows times in the zone of the browser once it knows it, from the next page on. */
  function tellZone() {
    const field = document.getElementById('look-here');
    if (field !== null) field.value = here;
    const { theme, times, here: known } = document.documentElement.dataset;
    if (times !== 'mine' || known === here) return;
    const body = new URLSearchParams({ theme, times, here });
    fetch('/console/look', { method: 'POST', body, redirect: 'manual' }).catch(() => {});
  }

  const items = () =>
    [...(place?.querySelectorAll('[data-waits]') ?? [])].map(one => ({
      id: one.dataset.waits,
      text: one.textContent,
      href: one.href,
    }));

  function showCount() {
    const count = Number(place?.querySelector('[data-count]')?.dataset.count ?? 0);
    const plain = document.title.replace(/^\(\d+\) /, '');
    const title = count > 0 ? `(${count}) ${plain}` : plain;
    if (document.title !== title) document.title = title;
    const href = `/console/static/${count > 0 ? 'icon-waiting' : 'icon'}.svg`;
    if (icon !== null && icon.getAttribute('href') !== href) icon.setAttribute('href', href);
  }

  const seen = () => (kept.read('seen') ?? '').split(' ');
  const isOn = () => kept.read('notify') === 'on' && Notification.permission === 'granted';

  /** Tells of what was not there before. Other tabs know what was told; a notification of the same name replaces itself. */
  function notify() {
    const before = seen();
    const fresh = items().filter(({ id }) => !before.includes(id));
    if (fresh.length === 0) return;
    kept.write('seen', [...fresh.map(({ id }) => id), ...before].slice(0, 200).join(' '));
    for (const { id, text, href } of fresh) {
      const shown = new Notification('Tocsin waits for you', { body: text, tag: id, icon: '/console/static/icon.svg' });
      shown.onclick = () => {
        window.focus();
        location.href = href;
      };
    }
  }

  function showNotify() {
    const button = document.getElementById('notify-button');
    if (button === null || !('Notification' in window)) return;
    const state = document.getElementById('notify-state');
    document.getElementById('notify').hidden = false;
    const refused = Notification.permission === 'denied';
    button.disabled = refused;
    button.setAttribute('aria-pressed', String(isOn()));
    button.textContent = isOn() ? 'Do not notify me any more' : 'Notify me on this screen';
    state.textContent = refused ? 'This browser does not let this page notify.' : '';
  }

  async function pressNotify() {
    if (isOn()) kept.write('notify', 'off');
    else if ((await Notification.requestPermission()) === 'granted') {
      kept.write('notify', 'on');
      // What waits already is on the screen.
      kept.write('seen', [...items().map(({ id }) => id), ...seen()].slice(0, 200).join(' '));
    }
    showNotify();
  }

  function changed() {
    showCount();
    if ('Notification' in window && isOn()) notify();
  }

  tellZone();
  showNotify();
  document.getElementById('notify-button')?.addEventListener('click', () => void pressNotify());
  if (place !== null) {
    new MutationObserver(changed).observe(place, {
      childList: true,
      subtree: true,
      attributes: true,
      characterData: true,
      attributeFilter: ['data-count', 'data-waits'],
    });
    changed();
  }
})();
