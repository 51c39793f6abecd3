import platform from '../../src/chat/console/index.ts';
import { domId, threadPath } from '../../src/chat/console/viewer.ts';
import type { Post } from '../../src/model/card.ts';
import { type ChatHarness, chatContract } from '../contracts/chat.ts';
import { createHostDouble, localKey } from '../doubles/chat-host.ts';
import { withStoredRoots } from '../doubles/stored-roots.ts';
import { articlesOf, enterByKey, formOf, plainText } from '../journey/console-page.ts';

chatContract('console', openHarness);

async function openHarness(): Promise<ChatHarness> {
  const double = await createHostDouble();
  const connection = await platform.open(platform.options.parse({}), double.host);
  const at = await double.listen();
  const read = async (path: string, cookie = '') => (await fetch(`${at}${path}`, { headers: { cookie } })).text();

  async function press(post: Post, label: string, cookie: string, reason?: string): Promise<string> {
    const page = await read(threadPath(post.thread ?? post.key), cookie);
    const article = articlesOf(page).find(text => text.includes(`id="${domId('post', post.key)}"`)) ?? '';
    const body = formOf(article, label);
    if (reason !== undefined) body.set('reason', reason);
    const answer = await fetch(`${at}/console/act`, {
      method: 'POST',
      body,
      headers: { cookie, origin: at, 'hx-request': 'true' },
    });
    return plainText(await answer.text());
  }

  const { cookie } = await enterByKey(at, localKey);
  return {
    double,
    platform,
    connection: withStoredRoots(connection, double),
    bare: connection,
    openChannel() {},
    thread: async root => articlesOf(await read(threadPath(root.key))).map(plainText),
    active: async root => activeIn(articlesOf(await read(threadPath(root.key))).join('')),
    press: (post, label, reason) => press(post, label, cookie, reason),
    pressAsStranger: (post, label) => press(post, label, ''),
    async close() {
      await connection.close();
      await double.close();
    },
  };
}

/** What a browser would do something with, beside what the console itself writes. */
function activeIn(markup: string): string[] {
  const elements = [...markup.matchAll(/<([a-z!][^\s>]*)/gi)].map(match => match[1] ?? '');
  const own =
    /^(article|header|footer|section|h2|p|span|b|a|dl|div|dt|dd|pre|code|ol|li|time|progress|form|input|button|details|summary|label)$/;
  const links = [...markup.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(match => match[1] ?? '');
  // Handlers are looked for in tags, without the values that forms send back.
  const handlers = markup.replace(/"[^"]*"/g, '""').match(/<[^>]*\son\w+=/g) ?? [];
  return [...elements.filter(name => !own.test(name)), ...links.filter(link => !link.startsWith('/')), ...handlers];
}
