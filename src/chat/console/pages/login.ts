import { html } from '../../../kernel/html.ts';
import { renderPlain } from '../../../kernel/plain-page.ts';

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
