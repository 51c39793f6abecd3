import { type Html, html } from '../../src/kernel/html.ts';

// Block Kit is looked at as data: what this does not know is shown by its name, so that nothing is left out unseen.
// biome-ignore lint/suspicious/noExplicitAny: blocks are read back from JSON, each kind with fields of its own
type Part = any;

/** A message or a modal as Slack draws it, near enough to judge what a person sees first. */
export function drawSlack(message: { text?: string; blocks?: Part[]; attachments?: Part[] }): Html {
  return html`<section class="slack"><p class="push">Push: ${message.text ?? ''}</p>
<p class="author"><b>Tocsin</b> <span class="app">APP</span> 3:07 AM</p>
${(message.blocks ?? []).map(drawBlock)}
${(message.attachments ?? []).map(one => html`<div class="attachment bar-${String(one.color ?? '').replace('#', '')}">${(one.blocks ?? []).map(drawBlock)}</div>`)}</section>`;
}

export function drawSlackModal(view: Part): Html {
  return html`<section class="slack modal"><h2>${view.title?.text}</h2>${(view.blocks ?? []).map(drawBlock)}
<p class="actions"><span class="press">${view.close?.text ?? ''}</span> <span class="press primary">${view.submit?.text ?? ''}</span></p></section>`;
}

function drawBlock(block: Part): Html {
  switch (block.type) {
    case 'rich_text':
      return html`<div>${block.elements.map(drawRich)}</div>`;
    case 'context':
      return html`<p class="context">${block.elements.map((one: Part) => one.text ?? one.type)}</p>`;
    case 'actions':
      return html`<p class="actions">${block.elements.map((one: Part) => html`<span class="press ${one.style ?? ''}">${one.text.text}</span> `)}</p>`;
    case 'input':
      return html`<p class="input"><b>${block.label.text}</b>${block.optional === true && ' (optional)'}<span class="line"></span></p>`;
    default:
      return html`<p class="unknown">${block.type}: ${JSON.stringify(block)}</p>`;
  }
}

function drawRich(part: Part): Html {
  const inner = (part.elements ?? []).map(drawInline);
  switch (part.type) {
    case 'rich_text_section':
      return html`<div class="rich">${inner}</div>`;
    case 'rich_text_preformatted':
      return html`<pre>${inner}</pre>`;
    case 'rich_text_quote':
      return html`<blockquote>${inner}</blockquote>`;
    case 'rich_text_list':
      return html`<ul>${(part.elements ?? []).map((one: Part) => html`<li>${drawRich(one)}</li>`)}</ul>`;
    default:
      return html`<p class="unknown">${part.type}</p>`;
  }
}

function drawInline(part: Part): Html {
  const text = part.text ?? part.fallback ?? part.url ?? '';
  switch (part.type) {
    case 'emoji':
      return html`<span class="emoji">:${part.name}:</span>`;
    case 'user':
    case 'usergroup':
      return html`<span class="mention">@${part.user_id ?? part.usergroup_id}</span>`;
    case 'link':
      return html`<span class="link">${text}</span>`;
    case 'date':
      return html`<span>${part.fallback}</span>`;
    case 'text': {
      if (part.style?.code === true) return html`<code>${text}</code>`;
      const bold = part.style?.bold === true ? html`<b>${text}</b>` : html`${text}`;
      return part.style?.italic === true ? html`<i>${bold}</i>` : bold;
    }
    default:
      return html`<span class="unknown">${part.type}</span>`;
  }
}
