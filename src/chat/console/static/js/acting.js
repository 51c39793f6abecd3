/* What a press came to: an answer outlives the card that it stood on, and a server that is away is said, beside the button too. Nothing is
   sent again by itself. */
(() => {
  /** The place for answers whose card is gone. */
  function kept() {
    const known = document.getElementById('kept-answers');
    if (known !== null) return known;
    const place = document.createElement('section');
    place.id = 'kept-answers';
    place.className = 'kept-answers';
    place.setAttribute('aria-live', 'polite');
    place.setAttribute('aria-label', 'Answers');
    document.getElementById('main').prepend(place);
    return place;
  }

  /** The slots that hold an answer, each with the label of the press. */
  const answered = new Map();

  function moveOrphans() {
    for (const [slot, label] of answered) {
      if (slot.isConnected) continue;
      answered.delete(slot);
      if (slot.childElementCount === 0) continue;
      const item = document.createElement('div');
      item.className = 'kept-answer';
      const head = document.createElement('p');
      head.className = 'private-note';
      head.textContent = label;
      const close = document.createElement('button');
      close.type = 'button';
      close.className = 'button plain small';
      close.textContent = 'Close';
      close.addEventListener('click', () => item.remove());
      item.append(head, ...slot.childNodes, close);
      kept().prepend(item);
      // The button that was pressed went with its card, and the focus with it.
      if (document.activeElement !== document.body) continue;
      item.tabIndex = -1;
      item.focus({ preventScroll: true });
    }
  }

  function banner(on) {
    let place = document.getElementById('away');
    if (place === null && !on) return;
    if (place === null) {
      place = document.createElement('div');
      place.id = 'away';
      place.className = 'banner banner-problem away';
      place.setAttribute('role', 'alert');
      document.getElementById('banners').before(place);
    }
    place.hidden = !on;
    const since = new Date().toLocaleTimeString('en-GB');
    if (on && place.textContent === '')
      place.textContent = `The server is away since ${since}. What you see is from before, and what you press is not done until it is back.`;
    if (!on) place.textContent = '';
  }

  function markButton(form, failed) {
    const button = form.querySelector('button:not([type=button])');
    const mark = button?.querySelector('.not-done');
    if (!failed) return mark?.remove();
    if (!button || mark) return;
    const text = document.createElement('span');
    text.className = 'not-done';
    text.textContent = ' · not done';
    button.append(text);
  }

  function sayAway(form, slot) {
    markButton(form, true);
    banner(true);
    if (slot === null) return;
    const notice = document.createElement('div');
    notice.className = 'notice notice-error';
    const text = document.createElement('p');
    const bold = document.createElement('b');
    bold.textContent = 'Not done';
    text.append(bold, ' The server did not answer. Nothing is sent again by itself: press again when it is back.');
    notice.append(text);
    slot.replaceChildren(notice);
  }

  /** A refused reason is marked at its field; what was typed stays. */
  function markFields(form, slot, refused) {
    const field = form.querySelector('input[name="reason"], input[name="line"], textarea');
    // A form with several fields has its marks from the server.
    if (field === null || slot === null || slot.id === '' || form.querySelector('.run-fields') !== null) return;
    if (refused) {
      field.setAttribute('aria-invalid', 'true');
      field.setAttribute('aria-describedby', slot.id);
    } else field.removeAttribute('aria-invalid');
  }

  const slotOf = form => {
    const target = form.getAttribute('hx-target');
    // A confirmation stands in the place of the answer that takes its place.
    if (target === 'closest .slot') return form.closest('.slot');
    return target?.startsWith('#') ? document.querySelector(target) : null;
  };

  /** The presses that are under way, by form. A form may leave the page meanwhile; then events about it come to the document. */
  const pressed = new Map();
  const pressOf = event => pressed.get(event.detail?.ctx?.sourceElement);

  document.addEventListener('htmx:before:request', event => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== 'post') return;
    const label = (form.querySelector('button:not([type=button])')?.firstChild?.textContent ?? '').trim();
    const title = form.closest('article')?.querySelector('h3')?.textContent ?? '';
    const name = title === '' ? label : `${label}: ${title}`;
    pressed.set(form, { form, slot: slotOf(form), name, failed: false });
  });

  document.addEventListener('htmx:error', event => {
    const press = pressOf(event);
    // What went wrong after the answer was there is no news of the server.
    if (!press || event.detail.ctx.response) return;
    press.failed = true;
    sayAway(press.form, press.slot);
  });

  document.addEventListener('htmx:finally:request', event => {
    const press = pressOf(event);
    if (!press) return;
    const { form, slot, name, failed } = press;
    pressed.delete(form);
    const status = event.detail.ctx.response?.status ?? 0;
    if (!failed) markButton(form, false);
    if (!failed && status > 0) banner(false);
    markFields(form, slot, status === 400 || status === 422);
    if (slot === null || !slot.classList.contains('slot')) return;
    // An answer whose place is gone is put in nowhere.
    const { text } = event.detail.ctx;
    if (!slot.isConnected && text && (slot.childElementCount === 0 || slot.contains(form))) {
      form.closest('.kept-answer')?.remove();
      slot.innerHTML = text;
    }
    answered.set(slot, name);
    moveOrphans();
  });
  document.addEventListener('htmx:after:swap', moveOrphans);

  // A stream that breaks comes back at once, unless the server is away.
  let waiting = null;
  document.addEventListener('htmx:sse:error', event => {
    if (event.detail?.status === 401) return;
    waiting ??= setTimeout(() => banner(true), 1500);
  });
  document.addEventListener('htmx:sse:after:connection', () => {
    clearTimeout(waiting);
    waiting = null;
    banner(false);
  });
})();
