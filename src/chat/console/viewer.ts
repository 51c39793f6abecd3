import { showDuration } from '../../kernel/duration.ts';
import { type Html, html } from '../../kernel/html.ts';
import type { Actor } from '../../model/actor.ts';
import { leftText } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Look } from './look.ts';

/** The viewer of a page, with what rendering needs. */
export interface Viewer {
  host: ChatHost;
  /** Who acts when a button is pressed; null for a reader, whose changes are refused. */
  who: Actor | null;
  /** The token that every form carries; empty for a reader. */
  csrf: string;
  /** In local mode the page acts as one of the people of the config. */
  local: boolean;
  now: number;
  /** The zone of all times on the page. */
  zone: string;
  look: Look;
}

/** An id that is safe in an attribute and in a CSS selector; different keys give different ids. */
export function domId(prefix: string, key: string): string {
  return `${prefix}-${key.replace(/[^A-Za-z0-9-]/g, char => `_${char.codePointAt(0)?.toString(16)}_`)}`;
}

/** The address of a thread, by the key of its root post. */
export function threadPath(key: string): string {
  return `/threads/${key.split('/').map(encodeURIComponent).join('/')}`;
}

export function gatePath(id: string): string {
  return `/gate/${encodeURIComponent(id)}`;
}

export function permitPath(id: string): string {
  return `/permits/${encodeURIComponent(id)}`;
}

export function changePath(id: string): string {
  return `/changes/${encodeURIComponent(id)}`;
}

export function alertPath(id: string): string {
  return `/alerts/${encodeURIComponent(id)}`;
}

export function runbookPath(id: string): string {
  return `/runbooks/${encodeURIComponent(id)}`;
}

export function runPath(id: string): string {
  return `/runs/${encodeURIComponent(id)}`;
}

/** The log of a step of a run; without one the page chooses. */
export function logPath(run: string, step: string | null = null): string {
  return `${runPath(run)}/log${step === null ? '' : `?step=${encodeURIComponent(step)}`}`;
}

/** A time in the zone of the page; today without its date. The full time is in the title. */
export function showTime(at: number, viewer: Viewer): Html {
  return showTimeIn(at, viewer.zone, viewer);
}

/** The same in a zone of its own, which is named. */
export function showTimeIn(at: number, zone: string, viewer: Viewer): Html {
  const day = (value: number) => format(value, zone, { dateStyle: 'medium' });
  const clock = format(at, zone, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const short = day(at) === day(viewer.now) ? clock : `${day(at)}, ${clock}`;
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${`${day(at)}, ${clock} ${zone}`}">${zone === viewer.zone ? short : `${short} ${zone}`}</time>`;
}

/** A time as plain text, with its zone. */
export function textOfTime(at: number, { zone }: Viewer): string {
  const clock = format(at, zone, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });
  return `${clock} ${zone}`;
}

/** With the day of the week, for times that are to come. */
export function showDayIn(at: number, zone: string): Html {
  const text = format(at, zone, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return html`<time datetime="${new Date(at).toISOString()}">${text}</time>`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: number, zone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${zone} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone });
    formats.set(key, found);
  }
  return found.format(at);
}

/** The elapsed time. While `to` is null, the page's script counts on. */
export function showElapsed(from: number, to: number | null, viewer: Viewer): Html {
  const text = showDuration(Math.max(0, (to ?? viewer.now) - from));
  return to === null
    ? html`<span class="elapsed" data-since="${from}" data-now="${viewer.now}">${text}</span>`
    : html`<span class="elapsed">${text}</span>`;
}

/** `3m ago`, kept fresh by the page's script. */
export function showAgo(at: number, viewer: Viewer): Html {
  return html`<time class="ago" datetime="${new Date(at).toISOString()}" data-ago="${at}" data-now="${viewer.now}">${showDuration(Math.max(0, viewer.now - at))} ago</time>`;
}

/** `in 3m`, kept fresh by the page's script. */
export function showIn(at: number, viewer: Viewer): Html {
  return html`<time class="ago" datetime="${new Date(at).toISOString()}" data-until="${at}" data-now="${viewer.now}">in ${showDuration(Math.max(0, at - viewer.now))}</time>`;
}

/** A number with its thousands apart: `5,000`. */
export function showCount(count: number): string {
  return count.toLocaleString('en-GB');
}

/** `29 min left`, which the page's script counts on; the time itself stands beside it. */
export function showLeft(at: number, viewer: Viewer): Html {
  const now = viewer.now;
  return html`<span class="left" data-left="${at}" data-now="${now}">${leftText(at, now)}</span> (until ${showTime(at, viewer)})`;
}

/** The hidden fields of every form that changes something. */
export function hidden(viewer: Viewer, fields: Record<string, string>): Html {
  return hiddenFields({ csrf: viewer.csrf, ...fields });
}

export function hiddenFields(fields: Readonly<Record<string, string>>): Html {
  return html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
}

/** A message of the stream for one element of the page, with how it is put in. */
export function partial(id: string, swap: string, content: Html): Html {
  return html`<hx-partial hx-target="#${id}" hx-swap="${swap}">${content}</hx-partial>`;
}
