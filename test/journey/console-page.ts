/** The console's markup as a person's browser reads it. */
export interface Session {
  at: string;
  cookie: string;
  csrf: string;
}

/** Signs in with a token, as the form of the page does. */
export async function openSession(at: string, token: string): Promise<Session> {
  const body = new URLSearchParams({ token, to: '/' });
  const answer = await fetch(`${at}/login`, { method: 'POST', body, headers: { origin: at }, redirect: 'manual' });
  if (answer.status !== 303) throw new Error(`the login answered ${answer.status}`);
  return await sessionOf(at, answer);
}

/** Enters by the link that start prints. */
export async function enterByKey(at: string, key: string): Promise<Session> {
  return await sessionOf(at, await fetch(`${at}/?key=${key}`, { redirect: 'manual' }));
}

async function sessionOf(at: string, entered: Response): Promise<Session> {
  const cookie = cookieOf(entered);
  return { at, cookie, csrf: await csrfOf(at, cookie) };
}

export function cookieOf(answer: Response): string {
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** The token that every form of the session carries. */
export async function csrfOf(at: string, cookie: string): Promise<string> {
  const page = await (await fetch(`${at}/`, { headers: { cookie } })).text();
  return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
}

export function articlesOf(page: string): string[] {
  return page.match(/<article[\s\S]*?<\/article>/g) ?? [];
}

/** The labels of what can be pressed. */
export function buttonsOf(article: string): string[] {
  const found = article.matchAll(/<(?:button|a) class="button [^>]*>([^<]*)<\/(?:button|a)>/g);
  return [...found].map(match => plainText(match[1] ?? ''));
}

/** The hidden fields of the form whose button has this label, as a browser sends them; `asks` when it must ask for a reason. */
export function formOf(article: string, label: string, asks = false): URLSearchParams {
  const form = article.split('<form').find(text => text.includes(`>${label}</button>`));
  if (form === undefined) throw new Error(`there is no button ${label}`);
  if (asks && !form.includes('name="reason"')) throw new Error(`${label} asks for no reason`);
  const body = new URLSearchParams();
  for (const [, name = '', value = ''] of form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g))
    body.set(name, plainText(value));
  return body;
}

export function plainText(markup: string): string {
  return markup
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
