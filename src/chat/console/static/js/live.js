/* What HTML cannot do by itself: times that count on, the state of the live stream, and an emptied message box. Loaded before htmx, so that it
   hears of the first connection too. */
(() => {
  const units = [
    ['d', 86400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];

  /** As the server shows durations: the two largest units. */
  function showDuration(milliseconds) {
    let rest = Math.max(0, Math.round(milliseconds / 1000));
    const parts = [];
    for (const [unit, size] of units) {
      const count = Math.floor(rest / size);
      rest %= size;
      if (count > 0) parts.push(`${count}${unit}`);
    }
    return parts.slice(0, 2).join(' ') || '0s';
  }

  /** The server's clock, as far as this page knows it: browsers' clocks may be wrong. */
  let ahead = 0;
  let newest = 0;
  function learnClock() {
    const before = newest;
    for (const element of document.querySelectorAll('[data-now]'))
      newest = Math.max(newest, Number(element.dataset.now));
    // A swap that brings no time tells nothing: with the old time all clocks of the page would go back.
    if (newest > before) ahead = newest - Date.now();
  }

  function tick() {
    const now = Date.now() + ahead;
    for (const element of document.querySelectorAll('[data-since]')) {
      element.textContent = showDuration(now - Number(element.dataset.since));
    }
    for (const element of document.querySelectorAll('[data-ago]')) {
      element.textContent = `${showDuration(now - Number(element.dataset.ago))} ago`;
    }
    for (const element of document.querySelectorAll('[data-until]')) {
      element.textContent = `in ${showDuration(Number(element.dataset.until) - now)}`;
    }
  }

  function showLive(state, text) {
    const element = document.getElementById('live-state');
    if (element === null) return;
    element.dataset.state = state;
    document.getElementById('live-text').textContent = text;
  }

  document.addEventListener('htmx:sse:after:connection', () => showLive('live', 'live'));
  document.addEventListener('htmx:sse:error', event => {
    if (event.detail?.status === 401) showLive('off', 'signed out: reload the page');
    else showLive('waiting', 'reconnecting');
  });
  document.addEventListener('htmx:sse:before:connection', event => {
    if (event.detail?.connection?.attempt > 0) showLive('waiting', 'reconnecting');
  });
  document.addEventListener('htmx:sse:close', () => showLive('off', 'not live: reload the page'));
  document.addEventListener('htmx:response:error', event => {
    if (event.target?.id === 'live') showLive('off', 'not live: reload the page');
  });

  document.addEventListener('htmx:after:request', event => {
    const form = event.target;
    const status = event.detail?.ctx?.response?.status ?? 0;
    if (!(form instanceof HTMLFormElement) || status < 200 || status >= 300) return;
    if (form.dataset.clears === 'yes') form.reset();
    const ask = form.closest('details.ask');
    if (ask !== null) ask.open = false;
  });

  // What was swapped in brings the server's present time.
  document.addEventListener('htmx:after:swap', learnClock);

  // A page that comes back out of the browser's memory is as old as its leaving, and its stream has ended.
  window.addEventListener('pageshow', event => {
    if (event.persisted) location.reload();
  });

  learnClock();
  setInterval(tick, 1000);
})();
