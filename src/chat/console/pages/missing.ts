import { type Html, html } from '../../../kernel/html.ts';
import { nearest } from '../../../kernel/nearest.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { channelPath, channelsOf } from '../frame-data.ts';
import { alertPath, changePath, gatePath, permitPath, runbookPath, runPath } from '../viewer.ts';
import type { LivePage } from './page.ts';

interface Found {
  what: string;
  path: string;
  text: string;
}

interface Named extends Found {
  id: string;
}

/** How many of the newest of a kind are looked through for a part of an id. */
const mostRead = 200;
const mostShown = 12;

/** What was looked for, what is near to it, and the ways on. */
export async function renderMissing(path: string, host: ChatHost): Promise<Html> {
  const [head = '', ...rest] = partsOf(path);
  const id = rest.join('/');
  const kind = kinds[head];
  const what =
    kind !== undefined && id !== ''
      ? html`There is no ${kind} <code>${cutLine(id, 200)}</code>.`
      : html`There is no page <code>${cutLine(path, 200)}</code>.`;
  const word = id === '' ? head : id;
  const found = await look(word, host);
  return html`<h1 class="page-title">Not found</h1><p class="text">${what} It may have been removed, or never existed.</p>
${found.length > 0 && html`<h2>Was this meant?</h2>${renderFound(found)}`}
<h2>Look for it</h2>${renderSearch(found.length > 0 ? '' : word)}
<p class="more">Or go on to ${ways.map(([to, text], index) => html`${index > 0 && ' · '}<a href="${to}">${text}</a>`)}</p>`;
}

/** The page of a word that is looked for. */
export function findingPage(host: ChatHost, word: string): LivePage {
  return {
    title: 'Look for something',
    here: '',
    regions: [],
    list: null,
    boxes: async () => [],
    async render() {
      const found = word === '' ? [] : await look(word, host);
      return html`<h1 class="page-title">Look for something</h1>${renderSearch(word)}${
        word !== '' &&
        (found.length > 0
          ? renderFound(found)
          : html`<p class="none" role="status">Nothing is called or numbered like <code>${cutLine(word, 200)}</code>. Looked at are runbooks, sources, channels, people, and the ids of everything.</p>`)
      }`;
    },
  };
}

const ways = [
  ['/', 'the channels'],
  ['/approvals', 'what waits for approval'],
  ['/alerts', 'alerts'],
  ['/runs', 'runs'],
  ['/status', 'the status'],
] as const;

const kinds: Readonly<Record<string, string | undefined>> = {
  alerts: 'alert',
  runs: 'run',
  runbooks: 'runbook',
  sources: 'source',
  channels: 'channel',
  threads: 'thread',
  gate: 'gate',
  changes: 'change',
  permits: 'permit',
};

function partsOf(path: string): string[] {
  try {
    return path
      .replace(/^\/|\/$/g, '')
      .split('/')
      .map(decodeURIComponent);
  } catch {
    return [path];
  }
}

function renderSearch(word: string): Html {
  return html`<form class="filter" method="get" action="/find" role="search"><label for="find-word">An id, or a name</label><input id="find-word" name="q" value="${word}" required maxlength="200" autocomplete="off" autocapitalize="none" spellcheck="false"><button class="button">Look</button></form>`;
}

function renderFound(found: readonly Found[]): Html {
  return html`<ul class="rows" id="found">${found.map(
    ({ what, path, text }) =>
      html`<li class="row"><a class="row-main" href="${path}"><span class="row-title">${cutLine(text, 160)}</span></a> <span class="badge">${what}</span></li>`,
  )}</ul>`;
}

async function look(word: string, host: ChatHost): Promise<Found[]> {
  const wanted = word.trim().toLowerCase();
  if (wanted === '') return [];
  const exact = await byId(word.trim(), host);
  return [...exact, ...byName(wanted, host), ...(exact.length > 0 ? [] : await byPart(wanted, host))].slice(
    0,
    mostShown,
  );
}

/** Whatever has exactly this id, of every kind: the address may have named the wrong one. */
async function byId(id: string, { store }: ChatHost): Promise<Found[]> {
  const [alert, run, approval, gate, permit, held] = await Promise.all([
    store.alert(id),
    store.run(id),
    store.approval(id),
    store.document('gate', id),
    store.document('permit', id),
    store.document('held', id),
  ]);
  const waits = approval?.run ?? null;
  return [
    ...(alert === null ? [] : [{ what: 'alert', path: alertPath(id), text: alert.title }]),
    ...(run === null ? [] : [{ what: 'run', path: runPath(id), text: run.title }]),
    ...(approval === null
      ? []
      : [{ what: 'approval', path: waits === null ? '/approvals?state=all' : runPath(waits), text: approval.title }]),
    ...(gate === null ? [] : [{ what: 'gate', path: gatePath(id), text: id }]),
    ...(permit === null ? [] : [{ what: 'permit', path: permitPath(id), text: id }]),
    ...(held === null ? [] : [{ what: 'change', path: changePath(id), text: id }]),
  ];
}

function byName(wanted: string, host: ChatHost): Found[] {
  const named: Named[] = [
    ...host
      .catalogue()
      .runbooks.map(({ id, title }) => ({ what: 'runbook', path: runbookPath(id), text: `${title} (${id})`, id })),
    ...host
      .sources()
      .map(({ name }) => ({ what: 'source', path: `/sources/${encodeURIComponent(name)}`, text: name, id: name })),
    ...channelsOf(host).map(name => ({ what: 'channel', path: channelPath(name), text: `# ${name}`, id: name })),
    ...Object.keys(host.config().people).map(id => ({
      what: 'person',
      path: `/people?${new URLSearchParams({ person: id })}`,
      text: id,
      id,
    })),
  ];
  const near = nearest(
    wanted,
    named.map(one => one.id),
  );
  return named.filter(one => one.text.toLowerCase().includes(wanted) || one.id === near);
}

/** A beginning or an end of an id, as it is read aloud or cut off in a chat. */
async function byPart(wanted: string, { store }: ChatHost): Promise<Found[]> {
  const part = wanted.replace(/^[a-z]{3}_/, '');
  if (part.length < 4) return [];
  const has = ({ id }: { id: string }) => id.slice(4).startsWith(part.slice(0, 24)) || id.endsWith(part);
  const [alerts, runs] = await Promise.all([store.alerts({ limit: mostRead }), store.runs({ limit: mostRead })]);
  return [
    ...alerts.filter(has).map(({ id, title }) => ({ what: 'alert', path: alertPath(id), text: title })),
    ...runs.filter(has).map(({ id, title }) => ({ what: 'run', path: runPath(id), text: title })),
  ];
}
