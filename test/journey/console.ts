import { createChat } from './chat.ts';
import { articlesOf, buttonsOf, formOf, openSession, plainText, type Session } from './console-page.ts';
import type { Chat, Person, Platform, Seen } from './language.ts';

/**
 * The console by its real pages. People sign in with their tokens; whoever has none presses what somebody else sees, without a
 * session. `of` is the markup of the message.
 */
export async function consoleChat(at: string, tokens: Readonly<Record<string, string>>): Promise<Chat<string>> {
  const sessions = new Map<string, Session>();
  for (const [name, token] of Object.entries(tokens)) sessions.set(name, await openSession(at, token));
  // Not the first one, who asks for runs in the journeys and finds no vote on them.
  const [first, reader = first] = sessions.values();
  if (reader === undefined) throw new Error('nobody can read the console');
  const nobody: Session = { at, cookie: '', csrf: '' };
  const sessionOf = (who: Person) => sessions.get(who.name) ?? nobody;

  const thread = async (path: string, session: Session = reader): Promise<Seen<string>[]> => {
    const page = await read(session, path);
    return articlesOf(page).map(article => see(path, article));
  };
  const platform: Platform<string> = {
    name: 'console',
    async roots(name) {
      const page = await read(reader, `/channels/${name}`);
      const paths = [...page.matchAll(/href="(\/threads\/[^"?#]+)/g)].map(match => match[1] ?? '');
      const roots = [...new Set(paths)].reverse().map(async path => (await thread(path)).slice(0, 1));
      return (await Promise.all(roots)).flat();
    },
    replies: async root => (await thread(pathOf(root))).slice(1),
    // The full log is behind a link here; no file is in the thread.
    files: async () => [],
    async press(message, label, who, reason) {
      const session = sessionOf(who);
      const shown =
        session === nobody ? message : (await thread(pathOf(message), session)).find(one => one.id === message.id);
      // A button that is not shown to them is pressed with a copied form, as a script would.
      const own = shown?.buttons.some(one => one.replace(/…$/, '') === label) === true;
      const form = formOf((own ? shown : message).of, label, reason !== undefined);
      if (!own) form.set('csrf', session.csrf);
      if (reason !== undefined) form.set('reason', reason);
      return await pressed(session, form, reason);
    },
    type: (channel, line, who) =>
      post(sessionOf(who), '/console/command', new URLSearchParams({ csrf: sessionOf(who).csrf, channel, line })),
  };
  return createChat(platform);
}

async function read(session: Session, path: string): Promise<string> {
  const answer = await fetch(session.at + path, { headers: { cookie: session.cookie } });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return await answer.text();
}

/** What the press is answered with; what is to be confirmed is confirmed, once. */
async function pressed(session: Session, form: URLSearchParams, reason: string | undefined): Promise<string> {
  const first = await send(session, '/console/act', form);
  if (!first.includes('class="confirm"')) return plainText(first).trim();
  const confirmed = formOf(first, form.get('label') ?? '', reason !== undefined);
  if (reason !== undefined) confirmed.set('reason', reason);
  return await post(session, '/console/act', confirmed);
}

async function post(session: Session, path: string, body: URLSearchParams): Promise<string> {
  return plainText(await send(session, path, body)).trim();
}

async function send(session: Session, path: string, body: URLSearchParams): Promise<string> {
  const headers = { cookie: session.cookie, origin: session.at, 'hx-request': 'true' };
  return await (await fetch(session.at + path, { method: 'POST', body, headers })).text();
}

function see(path: string, article: string): Seen<string> {
  const id = /id="([^"]+)"/.exec(article)?.[1] ?? '';
  return { id: `${path}#${id}`, text: plainText(article), buttons: buttonsOf(article), reactions: [], of: article };
}

function pathOf(message: Seen<string>): string {
  return message.id.slice(0, message.id.indexOf('#'));
}
