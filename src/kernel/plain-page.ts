import type { TocsinError } from './errors.ts';
import { type Html, html } from './html.ts';
import { cutLine } from './text.ts';

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/**
 * The headers of every page. The referrer policy is `same-origin` and not `no-referrer`: neither sends a referrer to other sites, but with
 * `no-referrer` browsers send `Origin: null` for our own forms, and the Origin header is what we check.
 */
export const pageHeaders = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** A small page without navigation. `onTo` redirects the browser at once; `back: false` leaves out the link to the console. */
export function renderPlain(
  title: string,
  body: Html,
  { onTo, back = true }: { onTo?: string; back?: boolean } = {},
): string {
  const document = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${onTo !== undefined && html`<meta http-equiv="refresh" content="${`0;url=${onTo}`}">`}
<title>${title} · Tocsin</title>
<link rel="icon" href="/console/static/icon.svg">
<link rel="stylesheet" href="/console/static/console.css">
</head>
<body class="plain-page"><main id="main"><p class="brand"><img src="/console/static/icon.svg" width="28" height="28" alt=""> Tocsin</p>${body}${back && html`<p><a href="/">Back to the page</a></p>`}</main></body>
</html>`;
  return `<!doctype html>\n${document}`;
}

const titles: Readonly<Record<number, string>> = {
  400: 'Not understood',
  401: 'Sign in first',
  403: 'Refused',
  404: 'Not found',
  421: 'Wrong address',
  503: 'Not now',
};

/** An error page for browsers. `given` is shown as text, at most 300 characters. */
export function renderProblem({
  code,
  status,
  message,
  given,
  remedy,
}: Pick<TocsinError, 'code' | 'status' | 'message' | 'given' | 'remedy'>): string {
  const title = titles[status] ?? (status >= 500 ? 'This did not work' : 'Refused');
  return renderPlain(
    title,
    html`<h1>${title}</h1><p>${message}</p>${given !== undefined && html`<p><code>${cutLine(given, 300)}</code></p>`}<p class="hint">${remedy} (<code>${code}</code>)</p>`,
  );
}

/** True when the response should be a page: the client accepts HTML and the path is not one for programs, which always get JSON. */
export function wantsPage(path: string, accept: string | undefined): boolean {
  return !forPrograms.test(path) && /(^|[,\s])text\/html\b/i.test(accept ?? '');
}

const forPrograms = /^\/(api|events|gates)(\/|$)|^\/(healthz|readyz|metrics|openapi\.json)$/;
