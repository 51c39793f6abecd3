import { type Html, html } from '../../src/kernel/html.ts';

// biome-ignore lint/suspicious/noExplicitAny: messages are read back from JSON, each kind with fields of its own
type Part = any;

/** A message as Discord draws it, near enough to judge what a person sees first. */
export function drawDiscord(message: Part): Html {
  return html`<section class="discord"><p class="author"><b>Tocsin</b> <span class="app">APP</span> 03:07</p>
<div class="rich">${drawMarkup(message.content ?? '')}</div>
${(message.embeds ?? []).map(drawEmbed)}
${(message.components ?? []).map((row: Part) => html`<p class="actions">${(row.components ?? []).map((one: Part) => html`<span class="press ${styles[one.style] ?? ''}">${one.label}</span> `)}</p>`)}</section>`;
}

const styles: Record<number, string> = { 3: 'primary', 4: 'danger' };

export function drawDiscordModal(modal: Part): Html {
  return html`<section class="discord modal"><h2>${modal.title}</h2>${(modal.components ?? []).map(drawField)}
<p class="actions"><span class="press">Cancel</span> <span class="press primary">Submit</span></p></section>`;
}

function drawField(one: Part): Html {
  if (typeof one.content === 'string') return html`<div class="rich">${drawMarkup(one.content)}</div>`;
  const inner = one.component ?? one.components?.[0];
  return html`<p class="input"><b>${one.label ?? inner?.label ?? ''}</b><span class="line"></span></p>`;
}

function drawEmbed(embed: Part): Html {
  const colour = Number(embed.color ?? 0)
    .toString(16)
    .padStart(6, '0');
  return html`<div class="attachment bar-${colour}"><p><b>${drawMarkup(embed.title ?? '')}</b></p>
<div class="rich">${drawMarkup(embed.description ?? '')}</div>
<div class="embed-fields">${(embed.fields ?? []).map((field: Part) => html`<div class="${field.inline === true && 'inline'}"><b>${drawMarkup(field.name)}</b><div class="rich">${drawMarkup(field.value)}</div></div>`)}</div>
<p class="context">${embed.footer?.text ?? ''}</p></div>`;
}

/** Code, bold, quotes, times and escapes; anything else stands as it was sent. */
function drawMarkup(text: string): Html {
  const parts = text.split(/(```[\s\S]*?```|`[^`\n]+`|\*\*[\s\S]+?\*\*|<t:\d+(?::\w)?>|<@\d+>)/);
  return html`${parts.map(part => {
    if (part.startsWith('```')) return html`<pre>${part.slice(3, -3).replace(/^\w*\n/, '')}</pre>`;
    if (part.startsWith('`') && part.length > 1) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith('**') && part.length > 4) return html`<b>${plain(part.slice(2, -2))}</b>`;
    const time = /^<t:(\d+)(?::(\w))?>$/.exec(part);
    if (time !== null)
      return html`<span class="mention">${time[2] === 'R' ? 'in a while' : new Date(Number(time[1]) * 1000).toISOString()}</span>`;
    if (/^<@\d+>$/.test(part)) return html`<span class="mention">@somebody</span>`;
    return html`${plain(part)}`;
  })}`;
}

function plain(text: string): string {
  return text.replaceAll(/\\([^A-Za-z0-9\s])/g, '$1');
}
