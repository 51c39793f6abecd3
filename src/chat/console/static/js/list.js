/* Long lists: keys, a selection that stays while rows come and go, and older rows that are added in place. Without it a list is links and forms. */
(() => {
  const list = () => document.querySelector('[data-keys]');
  const rows = () => [...document.querySelectorAll('[data-keys] > .row')];
  const linkOf = row => row.querySelector('.row-main');
  const pickOf = row => row.querySelector('.pick');

  /** The id of the row that the keys are at, which outlives the row's element. */
  let at = null;
  const picked = new Set();

  /** One row is in the order of Tab, so that the page behind a long list is not a hundred presses away. */
  function rove() {
    const all = rows();
    if (all.length === 0) return;
    const present = all.find(row => row.id === at) ?? all[0];
    for (const row of all) {
      const reach = row === present ? 0 : -1;
      for (const part of row.querySelectorAll('a, input')) if (part.tabIndex !== reach) part.tabIndex = reach;
    }
  }

  function move(by) {
    const all = rows();
    if (all.length === 0) return;
    const now = all.findIndex(row => row.id === at);
    const next = all[now < 0 ? 0 : Math.min(all.length - 1, Math.max(0, now + by))];
    at = next.id;
    rove();
    linkOf(next).focus();
    next.scrollIntoView({ block: 'nearest' });
  }

  function showPicked() {
    const text = document.getElementById('bulk-count');
    if (text === null) return;
    const wanted = picked.size === 0 ? 'Selected alerts' : `${picked.size} selected`;
    if (text.textContent !== wanted) text.textContent = wanted;
  }

  function toggle(row) {
    const pick = row === undefined ? null : pickOf(row);
    if (pick === null) return;
    pick.checked = !pick.checked;
    pick.dispatchEvent(new Event('change', { bubbles: true }));
  }

  /** What is selected, or else the row that the keys are at. */
  function press(button) {
    const present = rows().find(row => row.id === at);
    if (document.querySelector('.pick:checked') === null && present !== undefined) toggle(present);
    button.form.requestSubmit(button);
  }

  /** Rows that were swapped in are as the reader left those that they replace. */
  function restore() {
    if (list() === null) return;
    for (const pick of document.querySelectorAll('.pick')) {
      const wanted = picked.has(pick.name);
      if (pick.checked !== wanted) pick.checked = wanted;
    }
    rove();
    showPicked();
    const lost = document.activeElement === document.body && focused !== null;
    if (lost) document.getElementById(focused)?.querySelector('.row-main')?.focus({ preventScroll: true });
  }

  /** The row that has the focus, so that it has it again when its element is replaced. */
  let focused = null;

  const isTyping = target =>
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('textarea, select, input:not([type="checkbox"]):not([type="radio"]):not([type="button"])'));

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    x: () => toggle(rows().find(row => row.id === at)),
    a: () => pressIf('bulk-acknowledge'),
    s: () => pressIf('bulk-silence'),
    '/': () => document.getElementById('search')?.focus(),
    '?': () => toggleKeys(),
  };

  function pressIf(id) {
    const button = document.getElementById(id);
    if (button !== null && !button.disabled) press(button);
  }

  function toggleKeys() {
    const dialog = document.getElementById('keys');
    if (dialog === null) return;
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  document.addEventListener('keydown', event => {
    if (list() === null || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === 'Escape' && event.target?.id === 'search') return event.target.blur();
    if (isTyping(event.target)) return;
    const dialog = document.getElementById('keys');
    if (dialog?.open && event.key !== '?') return;
    const act = Object.hasOwn(acts, event.key) ? acts[event.key] : undefined;
    if (act === undefined || (event.repeat && event.key !== 'j' && event.key !== 'k')) return;
    event.preventDefault();
    act();
  });

  /** Where older rows were asked for: the link itself then leads to further ones. */
  let asked = null;

  document.addEventListener('click', event => {
    if (event.target?.closest?.('#keys-open')) toggleKeys();
    const more = event.target?.closest?.('[data-more]');
    if (more) asked = more.getAttribute('hx-get');
  });

  document.addEventListener('change', event => {
    const pick = event.target;
    if (!pick?.classList?.contains('pick')) return;
    if (pick.checked) picked.add(pick.name);
    else picked.delete(pick.name);
    showPicked();
  });

  document.addEventListener('focusin', event => {
    const row = event.target?.closest?.('[data-keys] > .row');
    focused = row?.id ?? null;
    if (row === null || row === undefined) return;
    at = row.id;
    rove();
  });

  // What was acted on is no longer selected; what was refused as a whole stays so.
  document.addEventListener('htmx:after:request', event => {
    const status = event.detail?.ctx?.response?.status ?? 0;
    if (event.target?.id !== 'bulk' || status < 200 || status >= 300) return;
    picked.clear();
    restore();
  });

  /** The stream goes on with as many rows as are shown now, and coming back to this address shows them again. */
  document.addEventListener('htmx:after:swap', event => {
    if (asked !== null && event.detail?.ctx?.sourceElement?.closest?.('#more') != null) {
      goOnAt(asked);
      asked = null;
    }
    restore();
  });

  function goOnAt(address) {
    history.replaceState(history.state, '', address);
    const old = document.getElementById('live');
    if (old === null) return;
    const live = document.createElement('div');
    live.id = 'live';
    live.setAttribute('hx-swap', 'none');
    live.setAttribute('hx-sse:connect', `/console/stream?${new URLSearchParams({ page: address, after: '0' })}`);
    old.replaceWith(live);
    globalThis.htmx.process(live);
  }

  function begin() {
    if (list() === null) return;
    // A browser that comes back to the page restores what was ticked.
    for (const pick of document.querySelectorAll('.pick:checked')) picked.add(pick.name);
    const open = document.getElementById('keys-open');
    if (open !== null) open.hidden = false;
    restore();
  }
  begin();
  addEventListener('pageshow', begin);
})();
