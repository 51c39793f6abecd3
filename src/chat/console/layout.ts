import { type Html, html, nothing } from '../../kernel/html.ts';
import type { SearchTerm } from '../../model/search/parse.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { StateCount } from '../../ports/store.ts';
import { renderForm } from './buttons.ts';
import { showAgo, type Viewer } from './viewer.ts';

export interface Page {
  title: string;
  /** The path in the navigation that is the current one. */
  here: string;
  main: Html;
  /** The address of the live stream; null for pages that do not change. */
  stream: string | null;
}

/** The data of the frame around every page. */
export interface FrameData {
  channels: readonly string[];
  openApprovals: number;
  /** Questions of gates that wait for people. */
  gates: number;
  /** Changes that stand and that nobody approved. */
  unpermitted: number;
  firing: number;
  halted: { by: string; reason: string; at: number } | null;
  problems: ReturnType<ChatHost['catalogue']>['problems'];
  fleet: readonly string[];
  troubles: readonly string[];
}

export async function readFrameData(host: ChatHost): Promise<FrameData> {
  const { store } = host;
  const now = host.clock.now();
  const [approvals, gates, held, alerts, halted] = await Promise.all([
    store.countApprovals({ terms: isIn('open'), now }),
    store.countDocuments('gate'),
    store.countDocuments('held'),
    store.countAlerts({ terms: isIn('firing'), now }),
    store.halted(),
  ]);
  return {
    channels: channelsOf(host),
    openApprovals: countOf(approvals, 'open'),
    gates: countOf(gates, 'pending'),
    unpermitted: countOf(held, 'unpermitted'),
    firing: countOf(alerts, 'firing'),
    halted,
    problems: host.catalogue().problems,
    fleet: host.fleet().problems,
    troubles: host.troubles(),
  };
}

function isIn(state: string): SearchTerm[] {
  return [{ kind: 'key', not: false, key: 'state', values: [state] }];
}

function countOf(counts: readonly StateCount[], state: string): number {
  return counts.reduce((sum, one) => sum + (one.state === state ? one.count : 0), 0);
}

/** Channels of the console that the config names, and `alerts`, where everything else is posted. */
export function channelsOf(host: ChatHost): readonly string[] {
  const { routes, fallback } = host.config();
  const routed = [...routes.flatMap(route => route.to), fallback];
  const names = routed.filter(to => to.startsWith('console:')).map(to => to.slice('console:'.length));
  return [...new Set(['alerts', ...names])];
}

/** htmx's settings. A morph keeps `open`, because the reader, not the server, opens and closes details. */
const htmxConfig = JSON.stringify({
  history: false,
  includeIndicatorCSS: false,
  morphIgnore: ['data-htmx-powered', 'open'],
  extensions: 'sse',
  sse: { reconnectDelay: 500, reconnectMaxDelay: 5000 },
});

export function renderDocument(page: Page, around: FrameData, viewer: Viewer): string {
  const document = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="htmx-config" content="${htmxConfig}">
<title>${page.title} · Tocsin</title>
<link rel="icon" href="/console/static/icon.svg">
<link rel="stylesheet" href="/console/static/console.css">
<script src="/console/static/console.js" defer></script>
<script src="/console/static/htmx.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
${renderSide(page, around, viewer)}
<div class="body">
<div id="banners" class="banners">${renderBanners(around, viewer)}</div>
<main id="main" tabindex="-1">${page.main}</main>
</div>
${page.stream !== null && html`<div id="live" hx-sse:connect="${page.stream}" hx-swap="none"></div>`}
</body>
</html>`;
  return `<!doctype html>\n${document}`;
}

function renderSide(page: Page, around: FrameData, viewer: Viewer): Html {
  return html`<header class="side">
<a class="brand" href="/"><img src="/console/static/icon.svg" width="24" height="24" alt=""> Tocsin</a>
<nav aria-label="Main"><ul id="nav">${renderNav(around, page.here)}</ul></nav>
<div class="who">${renderWho(viewer)}
${page.stream !== null && html`<p class="live" id="live-state" role="status"><span class="dot" aria-hidden="true"></span><span id="live-text">connecting</span></p>`}</div>
</header>`;
}

/** A number with its thousands apart: `5,000`. */
export function showCount(count: number): string {
  return count.toLocaleString('en-GB');
}

/** The pages of the work: address, name, and how many of what wait there. */
function workPages(around: FrameData): [path: string, label: string, count: number, what: string][] {
  return [
    ['/approvals', 'Approvals', around.openApprovals, 'open'],
    ['/gate', 'Gates', around.gates, 'waiting'],
    ['/changes', 'Changes', around.unpermitted, 'unpermitted'],
    ['/alerts', 'Alerts', around.firing, 'firing'],
    ['/runs', 'Runs', 0, ''],
    ['/runbooks', 'Runbooks', 0, ''],
    ['/sources', 'Sources', 0, ''],
    ['/statistics', 'Statistics', 0, ''],
    ['/journal', 'Journal', 0, ''],
  ];
}

/** The items of the navigation; the stream replaces them when a count changes. */
export function renderNav(around: FrameData, here: string): Html {
  const item = (href: string, label: string, count: number, what: string) =>
    html`<li><a href="${href}" ${href === here && html`aria-current="page"`}><span>${label}</span>${
      count > 0 && html`<span class="count">${showCount(count)}<span class="hush"> ${what}</span></span>`
    }</a></li>`;
  return html`<li class="nav-head">Channels</li>${around.channels.map(name =>
    item(channelPath(name), `# ${name}`, 0, ''),
  )}<li class="nav-head">Work</li>${workPages(around).map(([path, label, count, what]) => item(path, label, count, what))}`;
}

export function channelPath(name: string): string {
  return name === 'alerts' ? '/' : `/channels/${encodeURIComponent(name)}`;
}

/** What is wrong with the files, and the halt: both concern every page. */
export function renderBanners(around: FrameData, viewer: Viewer): Html {
  return html`${around.halted !== null && renderHalt(around.halted, viewer)}${around.problems.length > 0 && renderProblems(around.problems)}${around.fleet.length > 0 && renderFleet(around.fleet)}${around.troubles.length > 0 && renderTroubles(around.troubles)}`;
}

function renderHalt(halted: NonNullable<FrameData['halted']>, viewer: Viewer): Html {
  const form = renderForm(
    '/console/act',
    'resume-answer',
    html`<label for="resume-why">Why it may go on</label><input id="resume-why" name="reason" required maxlength="500" autocomplete="off"><button class="button primary">Resume</button>`,
    viewer,
    { act: JSON.stringify({ kind: 'resume', reason: '' }), label: 'Resume' },
  );
  return html`<section class="banner banner-halt" id="halt-banner" aria-label="Halted"><p><b>Halted</b> by ${halted.by} ${showAgo(halted.at, viewer)}: ${halted.reason}. No step starts until somebody resumes.</p>
<details class="ask" id="resume-ask"><summary class="button plain">Resume…</summary>${form}</details><div class="slot" id="resume-answer" aria-live="polite" hx-morph-skip></div></section>`;
}

function renderProblems(problems: FrameData['problems']): Html {
  const shown = problems.slice(0, 20);
  const rest = problems.length - shown.length;
  return html`<section class="banner banner-problem" id="problem-banner" aria-label="File problems"><p><b>${problems.length === 1 ? 'A file has a problem.' : `Files have ${problems.length} problems.`}</b> The last good set stays in force until they are corrected.</p>
<details id="problem-list"><summary>Show ${problems.length === 1 ? 'it' : 'them'}</summary><ul>${shown.map(
    problem => html`<li><code>${`${problem.file}:${problem.line}:${problem.column}`}</code> ${problem.message}</li>`,
  )}${rest > 0 && html`<li>and ${rest} more; <code>tocsin check</code> lists all</li>`}</ul></details></section>`;
}

function renderFleet(problems: readonly string[]): Html {
  return html`<section class="banner banner-problem" id="fleet-banner" aria-label="Fleet problems"><p><b>The nodes do not fit together.</b></p><ul>${problems.map(
    problem => html`<li>${problem}</li>`,
  )}</ul></section>`;
}

function renderTroubles(troubles: readonly string[]): Html {
  return html`<section class="banner banner-problem" id="trouble-banner" aria-label="What is not well"><p><b>Not everything is well.</b> Runs and approvals go on here; what is late catches up.</p><ul>${troubles.map(
    trouble => html`<li>${trouble}</li>`,
  )}</ul></section>`;
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
