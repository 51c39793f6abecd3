/* Boxes of output that grow: the end stays in sight until the reader leaves it, and a button leads back to it. A reader's place stays where it
   is while text is added below it. */
(() => {
  /** Pixels from the end that still count as the end. */
  const near = 12;
  /** Milliseconds for which a scroll that was under way may still move the box. */
  const glides = 1000;
  /** What a box holds at most while its end is followed; the whole log is a link away. */
  const most = { characters: 256 * 1024, lines: 5000 };

  /** The followed boxes: whether the end is kept in sight. */
  const boxes = new Map();

  const atEnd = box => box.scrollHeight - box.scrollTop - box.clientHeight <= near;
  const toEnd = box => {
    box.scrollTop = box.scrollHeight;
  };

  function show(box, state) {
    const button = box.parentElement?.querySelector('.jump');
    if (button) button.hidden = state.following;
  }

  /** Drops the earliest parts, and says so. */
  function trim(box) {
    const list = box.firstElementChild;
    const parts = [...list.children].filter(one => !one.classList.contains('cut'));
    const size = one => (one.tagName === 'LI' ? most.characters / most.lines : one.textContent.length);
    let held = parts.reduce((sum, one) => sum + size(one), 0);
    let dropped = false;
    for (const part of parts.slice(0, -1)) {
      if (held <= most.characters) break;
      held -= size(part);
      part.remove();
      dropped = true;
    }
    if (!dropped || list.querySelector('.cut') !== null) return;
    const note = document.createElement(list.tagName === 'OL' ? 'li' : 'span');
    note.className = 'cut';
    note.textContent = '… earlier output is in the full log\n';
    list.prepend(note);
  }

  function grown(box, state) {
    // The event of a scroll may still be on its way.
    if (state.height - box.scrollTop - box.clientHeight > near) state.following = false;
    if (state.following) {
      trim(box);
      toEnd(box);
    }
    state.height = box.scrollHeight;
    show(box, state);
  }

  function take(box) {
    const state = {
      following: box.dataset.follow === 'end',
      height: box.scrollHeight,
      jumped: Number.NEGATIVE_INFINITY,
    };
    boxes.set(box, state);
    // While nothing is laid out (a closed <details>) there is no place to read.
    box.addEventListener('scroll', () => {
      if (box.clientHeight === 0) return;
      // A page up that still glides when the reader jumps to the end must not take them away from it again.
      if (performance.now() - state.jumped < glides && !atEnd(box)) return toEnd(box);
      state.following = atEnd(box);
      show(box, state);
    });
    for (const own of ['wheel', 'keydown', 'pointerdown', 'touchstart'])
      box.addEventListener(
        own,
        () => {
          state.jumped = Number.NEGATIVE_INFINITY;
        },
        { passive: true },
      );
    const observer = new MutationObserver(() => grown(box, state));
    observer.observe(box.firstElementChild, { childList: true });
    // A box that is opened, or that gets another size, shows the end too.
    new ResizeObserver(() => {
      if (state.following) toEnd(box);
      state.height = box.scrollHeight;
    }).observe(box);
    if (state.following) toEnd(box);
  }

  function takeNew() {
    for (const box of document.querySelectorAll('.scroll[data-follow]'))
      if (!boxes.has(box) && box.dataset.follow === 'end' && box.firstElementChild !== null) take(box);
    for (const box of boxes.keys()) if (!box.isConnected) boxes.delete(box);
  }

  document.addEventListener('click', event => {
    const button = event.target instanceof Element ? event.target.closest('.jump') : null;
    const box = button?.parentElement?.querySelector('.scroll');
    if (!box) return;
    const state = boxes.get(box);
    if (state) {
      state.following = true;
      state.jumped = performance.now();
    }
    toEnd(box);
    button.hidden = true;
    box.focus({ preventScroll: true });
  });

  /** A line that the address names, on a page that does not show it: the server finds the page. */
  function findLine() {
    const line = /^#L([1-9]\d{0,8})$/.exec(location.hash)?.[1];
    if (line === undefined || document.querySelector('.log-scroll') === null) return;
    const here = document.getElementById(`L${line}`);
    if (here !== null) return here.scrollIntoView({ block: 'center' });
    const address = new URL(location.href);
    if (address.searchParams.get('line') === line) return;
    address.searchParams.delete('from');
    address.searchParams.set('line', line);
    location.replace(address);
  }

  document.documentElement.classList.add('scripted');
  document.addEventListener('htmx:after:swap', takeNew);
  window.addEventListener('hashchange', findLine);
  takeNew();
  findLine();
})();
