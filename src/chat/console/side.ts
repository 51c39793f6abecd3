import { type Html, html, nothing } from '../../kernel/html.ts';
import { renderForm } from './buttons.ts';
import { channelPath, type FrameData, type Waiting } from './frame-data.ts';
import { showCount, type Viewer } from './viewer.ts';

/** The side of every page: where one is, what waits, and who acts. */
export function renderSide(
  page: { here: string; stream: string | null },
  around: FrameData,
  waiting: Waiting,
  viewer: Viewer,
): Html {
  return html`<header class="side">
<a class="brand" href="/"><img src="/console/static/icon.svg" width="24" height="24" alt=""> Tocsin</a>
<div id="for-me" class="for-me" aria-live="polite">${renderWaiting(waiting)}</div>
<nav aria-label="Main"><ul id="nav">${renderNav(around, page.here)}</ul></nav>
<div class="who">${renderWho(viewer)}${renderLook(viewer)}
${page.stream !== null && html`<p class="live" id="live-state" role="status"><span class="dot" aria-hidden="true"></span><span id="live-text">connecting</span></p>`}</div>
</header>`;
}

/** What waits for the one who looks. The page's script takes the number and the headlines from here (static/js/frame.js). */
export function renderWaiting({ count, items }: Waiting): Html {
  if (count === 0) return nothing;
  const rest = count - items.length;
  return html`<details id="for-me-list" data-count="${count}"><summary><b>${count}</b> ${count === 1 ? 'waits' : 'wait'} for you</summary><ul>${items.map(
    ({ id, path, text }) => html`<li><a href="${path}" data-waits="${id}">${text}</a></li>`,
  )}${rest > 0 && html`<li><a href="/approvals">and ${rest} more</a></li>`}</ul></details>`;
}

interface Item {
  href: string;
  label: string;
  /** How many of it want to be looked at, and what they are; nothing where 0. */
  count?: number;
  what?: string;
}

/** The items of the navigation; the stream replaces them when a count changes. */
export function renderNav(around: FrameData, here: string): Html {
  const groups: readonly (readonly [string, readonly Item[]])[] = [
    ['Channels', around.channels.map(name => ({ href: channelPath(name), label: `# ${name}` }))],
    ['Work', workOf(around)],
    [
      'Look up',
      [
        { href: '/runbooks', label: 'Runbooks' },
        { href: '/schedules', label: 'Schedules' },
        { href: '/permits', label: 'Permits' },
        { href: '/people', label: 'People' },
        { href: '/statistics', label: 'Statistics' },
        { href: '/journal', label: 'Journal' },
      ],
    ],
    [
      'Operate',
      [
        { href: '/sources', label: 'Sources' },
        { href: '/status', label: 'Status' },
      ],
    ],
  ];
  const renderGroup = ([title, items]: (typeof groups)[number]) =>
    html`<li class="nav-head">${title}</li>${items.map(item => renderItem(item, here))}`;
  const [shown, folded] = [groups.slice(0, 2), groups.slice(2)];
  const isIn = folded.some(([, items]) => items.some(({ href }) => href === here));
  // Folded where the screen is small, and unfolded elsewhere, by the style sheet.
  return html`${shown.map(renderGroup)}<li class="nav-more"><details id="nav-more" ${isIn && html`open`}><summary>More</summary><ul>${folded.map(renderGroup)}</ul></details></li>`;
}

function workOf({ openApprovals, gates, unpermitted, firing }: FrameData): Item[] {
  return [
    { href: '/approvals', label: 'Approvals', count: openApprovals, what: 'open' },
    { href: '/alerts', label: 'Alerts', count: firing, what: 'firing' },
    { href: '/runs', label: 'Runs' },
    { href: '/gate', label: 'Gates', count: gates, what: 'waiting' },
    { href: '/changes', label: 'Changes', count: unpermitted, what: 'unpermitted' },
  ];
}

function renderItem({ href, label, count = 0, what = '' }: Item, here: string): Html {
  return html`<li><a href="${href}" ${href === here && html`aria-current="page"`}><span>${label}</span>${
    count > 0 && html`<span class="count">${showCount(count)}<span class="hush"> ${what}</span></span>`
  }</a></li>`;
}

function renderWho(viewer: Viewer): Html {
  if (viewer.who === null) {
    return html`<p class="me"><b>Reading only</b></p><p class="hint">To act, open the link that <code>npm start</code> printed. It ends in <code>?key=…</code>.</p>`;
  }
  const leave = viewer.local
    ? nothing
    : html`<form method="post" action="/logout">${csrfField(viewer)}<button class="button plain small">Sign out</button></form>`;
  return html`<p class="me">You act as <b>${viewer.who.id}</b></p>${viewer.local && renderSwitch(viewer)}${leave}${renderHaltButton(viewer)}`;
}

function csrfField(viewer: Viewer): Html {
  return html`<input type="hidden" name="csrf" value="${viewer.csrf}">`;
}

/** Local mode only: nobody may approve an own request, so a sample second person lets one human see both sides. */
function renderSwitch(viewer: Viewer): Html {
  const me = viewer.who?.id ?? '';
  const people = Object.keys(viewer.host.config().people).filter(id => id !== me);
  const others = me === 'you' ? people : ['you', ...people.filter(id => id !== 'you')];
  return html`<div class="switch" ${me !== 'you' && html`data-sample="yes"`}>${me !== 'you' && html`<p class="sample-mark">Acting as ${me} (sample second person)</p>`}${others
    .slice(0, 5)
    .map(
      id =>
        html`<form method="post" action="/console/act-as">${csrfField(viewer)}<input type="hidden" name="person" value="${id}"><button class="button plain small"><span>Act as ${id}${id !== 'you' && html` <span class="long">(sample second person)</span>`}</span></button></form>`,
    )}</div>`;
}

function renderHaltButton(viewer: Viewer): Html {
  const form = renderForm(
    '/console/act',
    'halt-answer',
    html`<label for="halt-why">Why everything must stop</label><input id="halt-why" name="reason" required maxlength="500" autocomplete="off"><button class="button danger small">Halt everything</button>`,
    viewer,
    { act: JSON.stringify({ kind: 'halt', reason: '' }), label: 'Halt' },
  );
  return html`<details class="ask halt" id="halt-ask"><summary class="button plain small">Halt…</summary>${form}<div class="slot" id="halt-answer" aria-live="polite"></div></details>`;
}

/** The switches of colours and of the zone, and the one of notifications, which needs the page's script. */
function renderLook({ look, host, who }: Viewer): Html {
  const option = (value: string, label: string, chosen: string) =>
    html`<option value="${value}" ${value === chosen && html`selected`}>${label}</option>`;
  const own = host.config().timezone;
  return html`<details class="look" id="look"><summary class="button plain small">Display…</summary>
<form method="post" action="/console/look">
<label for="look-theme">Colours</label><select id="look-theme" name="theme">${option('auto', 'as the system', look.theme)}${option('light', 'light', look.theme)}${option('dark', 'dark', look.theme)}</select>
<label for="look-times">Times</label><select id="look-times" name="times">${option('deployment', `of tocsin.yaml (${own})`, look.times)}${option('mine', look.here === null ? 'mine (this browser’s)' : `mine (${look.here})`, look.times)}${option('utc', 'UTC', look.times)}</select>
<input type="hidden" id="look-here" name="here" value="${look.here}"><button class="button small">Apply</button></form>
${who?.kind === 'person' && html`<p id="notify" hidden><button type="button" class="button plain small" id="notify-button">Notify me on this screen</button> <span id="notify-state" role="status"></span></p>`}</details>`;
}
