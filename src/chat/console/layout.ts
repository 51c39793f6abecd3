import { type Html, html } from '../../kernel/html.ts';
import { renderForm } from './buttons.ts';
import type { FrameData, Waiting } from './frame-data.ts';
import { renderSide } from './side.ts';
import { showAgo, type Viewer } from './viewer.ts';

export interface Page {
  title: string;
  /** The path in the navigation that is the current one. */
  here: string;
  main: Html;
  /** The address of the live stream; null for pages that do not change. */
  stream: string | null;
}

/** htmx's settings. A morph keeps `open`, because the reader, not the server, opens and closes details. */
const htmxConfig = JSON.stringify({
  history: false,
  includeIndicatorCSS: false,
  morphIgnore: ['data-htmx-powered', 'open'],
  extensions: 'sse',
  sse: { reconnectDelay: 500, reconnectMaxDelay: 5000 },
});

export function renderDocument(page: Page, around: FrameData, waiting: Waiting, viewer: Viewer): string {
  const { theme, times, here } = viewer.look;
  const document = html`<html lang="en" data-theme="${theme}" data-times="${times}" data-here="${here}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${theme === 'auto' ? 'light dark' : theme}">
<meta name="htmx-config" content="${htmxConfig}">
<title>${waiting.count > 0 && `(${waiting.count}) `}${page.title} · Tocsin</title>
<link rel="icon" href="${`/console/static/${waiting.count > 0 ? 'icon-waiting' : 'icon'}.svg`}">
<link rel="stylesheet" href="/console/static/console.css">
<script src="/console/static/console.js" defer></script>
<script src="/console/static/htmx.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
${renderSide(page, around, waiting, viewer)}
<div class="body">
<div id="banners" class="banners">${renderBanners(around, viewer)}</div>
<main id="main" tabindex="-1">${page.main}</main>
</div>
${page.stream !== null && html`<div id="live" hx-sse:connect="${page.stream}" hx-swap="none"></div>`}
</body>
</html>`;
  return `<!doctype html>\n${document}`;
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
