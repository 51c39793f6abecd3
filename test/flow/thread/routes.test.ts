import { afterEach, describe, expect, it } from 'vitest';
import { basicConfig, startTestApp, type TestApp, tokens } from '../../doubles/app.ts';

let test: TestApp;
afterEach(() => test.stop());

const routes = `
routes:
  - { when: 'labels.team == "db"', to: ["console:alerts", "console:db team"] }
  - { when: 'event.source == "alertmanager"', to: ["console:ops"] }
`;

/** A page as alice sees it, signed in as a browser does. */
async function page(path: string): Promise<string> {
  const signed = await fetch(`${test.app.url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: test.app.url },
    body: new URLSearchParams({ token: tokens['ALICE'] ?? '', to: '/' }),
  });
  const cookie = signed.headers
    .getSetCookie()
    .map(one => one.split(';')[0])
    .join('; ');
  return await (await fetch(test.app.url + path, { headers: { cookie } })).text();
}

describe('routes', () => {
  it('post a thread in each channel that is named, also in two of one platform, with all of its replies', async () => {
    test = await startTestApp({ 'tocsin.yaml': basicConfig + routes });
    const { alert } = await test.alert({ alertname: 'Slow', team: 'db' });
    const root = `alert/${alert}/1`;
    const copy = `${root} @db team`;
    await test.until(() => test.app.store.post('console', copy));
    await test.alert({ alertname: 'Slow', team: 'db' }, { status: 'resolved' });
    const replies = (thread: string) => test.app.store.posts({ platform: 'console', thread });
    await test.until(async () => (await replies(copy)).length > 0);
    expect((await replies(copy)).map(post => post.card.title)).toEqual(
      (await replies(root)).map(post => post.card.title),
    );
    expect((await test.app.store.post('console', copy))?.channel).toBe('db team');
    expect((await test.app.store.post('console', copy))?.card.badge).toBe('resolved');
    // Each copy is a thread of its own on the page, which a person can open.
    const channel = await page('/channels/db%20team');
    expect(channel).toContain('a test alert');
    const [, link] = /href="(\/threads?\/[^"#]*)"/.exec(channel) ?? [];
    expect(await page(link ?? '/no-link')).toContain('Resolved');
  });

  it('see the event as well as the alert', async () => {
    test = await startTestApp({ 'tocsin.yaml': basicConfig + routes });
    const { alert } = await test.alert({ alertname: 'Slow' });
    const post = await test.until(() => test.app.store.post('console', `alert/${alert}/1`));
    expect(post.channel).toBe('ops');
  });
});
