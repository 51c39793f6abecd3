import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import source from '../../../src/sources/github/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type GitHubDouble, startGitHub } from '../../doubles/github/index.ts';
import { hear } from './bodies.ts';

const sha = 'a'.repeat(40);
let github: GitHubDouble;
beforeEach(async () => {
  github = await startGitHub();
  github.commits.set(`acme/shop/${sha}`, []);
});
afterEach(() => github.close());

const now = Date.UTC(2026, 10, 20);
const given = (more: object = {}) =>
  source.options.parse({ secret: 's', comment: true, apiToken: github.token, url: github.url, ...more });
const open = (more: object = {}) =>
  source.origin?.(given(more), { clock: { ...systemClock, now: () => now }, log: silentLog, reach: () => fetch });
const text = 'Tocsin: Fix failed\nRun: http://127.0.0.1/runs/run_1';
const write = (labels: Record<string, string> = { repository: 'acme/shop', sha }, more: object = {}, note = text) =>
  open(more)?.note?.(sampleAlert({ labels }), { text: note, marker: 'note/run_1/7' });
const comments = () => github.commits.get(`acme/shop/${sha}`) ?? [];
const posts = () => github.requests.filter(one => one.startsWith('POST'));

describe('comments', () => {
  test('are written only where it is asked for, and nothing else is', () => {
    expect(open({ comment: undefined })).toBeNull();
    expect(Object.keys(open() ?? {})).toEqual(['perMinute', 'note']);
    for (const options of [
      { comment: true, secret: 's' },
      { comment: true, apiToken: 't' },
    ])
      expect(source.options.safeParse(options).success, JSON.stringify(options)).toBe(false);
    expect(source.options.safeParse({ url: 'http://github.example.com/api/v3' }).success).toBe(false);
  });

  test('stand on the commit, their words as words', async () => {
    expect(await write()).toBe('Wrote a comment on the commit at GitHub');
    expect(comments()).toEqual([`~~~text\n${text}\n~~~\n<!-- tocsin note/run_1/7 -->`]);
    github.commits.set(`acme/shop/${sha}`, []);
    await write(undefined, {}, 'Tocsin: @acme/all ~~~~ <!-- x -->');
    expect(comments()).toEqual(['~~~~~text\nTocsin: @acme/all ~~~~ <!-- x -->\n~~~~~\n<!-- tocsin note/run_1/7 -->']);
  });

  test('are written once, also behind many others', async () => {
    github.commits.set(
      `acme/shop/${sha}`,
      Array.from({ length: 250 }, (_, index) => `comment ${index}`),
    );
    github.faults.push('none', 'none', 'none', { status: 502 });
    await expect(write()).rejects.toSatisfy(error => isCode(error, 'origin-down'));
    await write();
    expect(comments()).toHaveLength(251);
    expect(await write()).toBe('The comment is at GitHub already');
    expect(posts()).toHaveLength(2);
  });

  test('whose answer was lost are found', async () => {
    github.faults.push('none', 'lost');
    await expect(write()).rejects.toSatisfy(error => isCode(error, 'origin-down'));
    expect(comments()).toHaveLength(1);
    expect(await write()).toBe('The comment is at GitHub already');
    expect(comments()).toHaveLength(1);
  });

  test.each<[string, Record<string, string>]>([
    ['no commit', { repository: 'acme/shop' }],
    ['no repository', { sha }],
    ['something that is no repository', { repository: 'acme/../admin', sha }],
    ['dots', { repository: '../..', sha }],
    ['something that is no commit', { repository: 'acme/shop', sha: 'main' }],
  ])('are left out for %s', async (_what, labels) => {
    expect(await write(labels)).toBeNull();
    expect(github.requests).toEqual([]);
  });

  test('are left out for a repository that is not taken any more', async () => {
    expect(await write(undefined, { repositories: ['other'] })).toBeNull();
    expect(await write(undefined, { repositories: ['acme/shop'] })).toContain('Wrote');
  });

  test.each<[GitHubDouble['faults'][number] & object, string, number | undefined]>([
    [{ status: 401, message: 'Bad credentials' }, 'origin-down', undefined],
    [{ status: 403, message: 'Resource not accessible by integration' }, 'origin-refused', undefined],
    [{ status: 403, headers: { 'retry-after': '7' } }, 'origin-limited', 7000],
    [{ status: 403, message: 'You have exceeded a secondary rate limit.' }, 'origin-limited', 60_000],
    [
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 90) } },
      'origin-limited',
      90_000,
    ],
    [{ status: 429, headers: { 'retry-after': '86400' } }, 'origin-limited', 600_000],
    [{ status: 429 }, 'origin-limited', 60_000],
    [{ status: 404 }, 'origin-refused', undefined],
    [{ status: 500 }, 'origin-down', undefined],
  ])('%j is %s', async (fault, code, retryAfter) => {
    github.faults.push(fault);
    const error = await write()?.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringContaining('GitHub answered') });
    if (retryAfter !== undefined) expect(error).toMatchObject({ retryAfter });
    expect(comments()).toEqual([]);
  });
});

test('what Tocsin wrote is no news when it comes back', async () => {
  await write();
  const own = { action: 'created', comment: { body: comments()[0], commit_id: sha } };
  expect(hear('commit_comment', own)).toMatchObject({ events: [], echo: 'note' });
  const quoted = { action: 'created', comment: { body: `> ${comments()[0]}\n\nReally?` } };
  expect(hear('commit_comment', quoted)).toMatchObject({
    events: [{ kind: 'notice', type: 'commit_comment.created' }],
  });
  expect(hear('issue_comment', own).events).toHaveLength(1);
});

describe('tocsin doctor', () => {
  const found = async (more: object = {}) => {
    const tools = {
      clock: systemClock,
      fetch,
      signal: AbortSignal.timeout(5000),
      env: () => undefined,
      url: null,
      name: 'github',
    };
    return (await source.check?.(given(more), { ...tools, channels: [], groups: [], accounts: {} })) ?? [];
  };
  test('says what is open and what does not work', async () => {
    expect(await found({ repositories: ['acme'] })).toMatchObject([
      { state: 'ok' },
      { what: 'the token of GitHub', state: 'ok' },
    ]);
    expect(await found({ apiToken: 'other' })).toMatchObject([
      { state: 'ok' },
      { what: 'the repositories of GitHub', state: 'warning' },
      { state: 'bad', because: expect.stringContaining('401'), remedy: 'Set apiToken to one that is valid.' },
    ]);
    expect(await found({ secret: undefined, comment: undefined, apiToken: undefined })).toMatchObject([
      { what: 'the secret of the webhook', state: 'warning' },
      { state: 'warning' },
    ]);
    const app = { id: github.app.id, key: github.app.privateKey };
    const byApp = { repositories: ['acme'], apiToken: undefined };
    expect(await found({ ...byApp, app })).toMatchObject([{ state: 'ok' }, { what: 'the app at GitHub', state: 'ok' }]);
    expect(await found({ ...byApp, app: { ...app, id: 5 } })).toMatchObject([
      { state: 'ok' },
      { state: 'bad', because: expect.stringContaining('401'), remedy: expect.stringContaining('app.id') },
    ]);
    github.close();
    expect(await found({ repositories: ['acme'] })).toMatchObject([
      {},
      { state: 'bad', remedy: expect.stringContaining('url') },
    ]);
  });
});
