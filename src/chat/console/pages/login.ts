import { type Html, html } from '../html.ts';

/** A small page without navigation. `onTo` sends the browser on at once; `back` false leaves out the link to the page. */
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

export function renderLogin(facts: { to: string | null; local: boolean; trouble: string | null }): string {
  const trouble = facts.trouble !== null && html`<p class="notice notice-error" role="alert">${facts.trouble}</p>`;
  if (facts.local) {
    return renderPlain(
      'Sign in',
      html`<h1>Sign in</h1>${trouble}<p>On this machine the page is signed in by a link. Open the one that <code>npm start</code> printed in the terminal; it ends in <code>?key=…</code>. A restart makes a new one.</p>`,
    );
  }
  return renderPlain(
    'Sign in',
    html`<h1>Sign in</h1>${trouble}<form method="post" action="/login" class="login"><input type="hidden" name="to" value="${facts.to ?? '/'}">
<div class="field"><label for="token">Token</label><input id="token" name="token" type="password" required maxlength="4096" autocomplete="current-password" autofocus aria-describedby="token-about"><p class="hint" id="token-about">A bearer token that tocsin.yaml names for you under <code>tokens</code>. It is exchanged for a session of 12 hours.</p></div>
<button class="button primary">Sign in</button></form>`,
    // It leads here again.
    { back: false },
  );
}

export function renderMissing(): Html {
  return html`<h1 class="page-title">Not found</h1><p class="text">There is nothing under this address. It may have been removed, or never existed.</p>`;
}
