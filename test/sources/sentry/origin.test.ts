import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import source from '../../../src/sources/sentry/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type SentryDouble, startSentryDouble } from '../../doubles/sentry.ts';
import { delivery, take } from '../helpers.ts';

let sentry: SentryDouble;
beforeEach(async () => {
  sentry = await startSentryDouble();
  sentry.issues.set('1117', { status: 'unresolved', comments: [] });
});
afterEach(() => sentry.close());

const now = Date.UTC(2026, 10, 20);
const clock = { ...systemClock, now: () => now };
const options = (more: object = {}) => ({
  secret: 's',
  apiToken: sentry.token,
  organization: 'acme',
  url: sentry.url,
  ...more,
});
const given = (more: object = {}) => source.options.parse(options(more));
const open = (more: object = {}) => source.origin?.(given(more), { clock, log: silentLog, reach: () => fetch });
const alert = sampleAlert({ fingerprint: 'issue:1117' });
const metric = sampleAlert({ fingerprint: 'rule:7' });
const note = { text: 'Tocsin: Fix failed\n/Run: @all', marker: 'note/run_1/7' };
const issue = () => sentry.issues.get('1117');
const isDown = (error: unknown) => isCode(error, 'origin-down');

describe('the way back to Sentry', () => {
  test('is there only with a token and an organization, over https', () => {
    expect(open({ apiToken: undefined })).toBeNull();
    expect(Object.keys(open() ?? {}).sort()).toEqual(['note', 'perMinute', 'resolve']);
    const parse = (more: object) => source.options.safeParse(options(more)).success;
    expect(parse({ organization: undefined })).toBe(false);
    expect(parse({ organization: '../x' })).toBe(false);
    expect(parse({ url: 'http://sentry.example.com' })).toBe(false);
  });

  test('resolves an issue once, and leaves what somebody archived', async () => {
    sentry.faults.push('none', 'lost');
    await expect(open()?.resolve?.(alert)).rejects.toSatisfy(isDown);
    expect(await open()?.resolve?.(alert)).toBe('The issue is resolved in Sentry already');
    sentry.issues.set('1117', { status: 'ignored', comments: [] });
    expect(await open()?.resolve?.(alert)).toBe('The issue is ignored in Sentry, so it stays so');
    sentry.issues.set('1117', { status: 'unresolved', comments: [] });
    expect(await open()?.resolve?.(alert)).toBe('Resolved the issue in Sentry');
    expect(issue()?.status).toBe('resolved');
    expect(sentry.requests.filter(one => one.startsWith('PUT'))).toHaveLength(2);
  });

  test('writes a comment once, its words as words', async () => {
    sentry.faults.push('none', 'lost');
    await expect(open()?.note?.(alert, note)).rejects.toSatisfy(isDown);
    expect(await open()?.note?.(alert, note)).toBe('The comment is in Sentry already');
    expect(issue()?.comments).toEqual([
      expect.stringMatching(/^ {4}Tocsin: Fix failed\n {4}\/Run: @all\n\[tocsin note\/run_1\/7 [0-9a-f]{16}\]$/),
    ]);
    // A page of other comments hides it from the list; Sentry itself refuses it then.
    issue()?.comments.unshift(...Array.from({ length: 100 }, (_, index) => `${index}`));
    expect(await open()?.note?.(alert, note)).toBe('The comment is in Sentry already');
    expect(issue()?.comments).toHaveLength(101);
  });

  test('has no place for a metric alert', async () => {
    expect(await open()?.note?.(metric, note)).toBeNull();
    expect(await open()?.resolve?.(metric)).toBe('A metric alert of Sentry resolves by itself');
    expect(sentry.requests).toEqual([]);
  });

  test.each([
    [{ status: 401, body: { detail: 'Invalid token' } }, 'origin-down', 'Invalid token', undefined],
    [
      { status: 403, body: { detail: 'You do not have permission' } },
      'origin-refused',
      'do not have permission',
      undefined,
    ],
    [
      { status: 429, headers: { 'x-sentry-rate-limit-reset': String(now / 1000 + 20) } },
      'origin-limited',
      '429',
      20_000,
    ],
    [{ status: 429 }, 'origin-limited', '429', 30_000],
    [{ status: 502 }, 'origin-down', '502', undefined],
  ])('%j is %s', async (fault, code, words, retryAfter) => {
    sentry.faults.push(fault);
    const error = await open()
      ?.note?.(alert, note)
      ?.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    if (retryAfter !== undefined) expect(error).toMatchObject({ retryAfter });
  });

  test('its own comment is no news when it comes back', async () => {
    await open()?.note?.(alert, note);
    const hear = (comment: unknown) =>
      take(
        source,
        delivery(JSON.stringify({ action: 'created', data: { comment, issue_id: 1117, comment_id: 1 } })),
        options(),
      );
    const [own = ''] = issue()?.comments ?? [];
    expect(hear(own)).toMatchObject({ events: [], echo: 'note' });
    for (const other of [own.replace('run_1', 'run_2'), `${own} really?`, 7, null])
      expect(hear(other).events).toHaveLength(1);
  });

  test('tocsin doctor asks with the token', async () => {
    const find = (more: object = {}) =>
      source.check?.(given(more), { fetch, clock, signal: AbortSignal.timeout(5000) } as never);
    expect(await find()).toEqual([{ what: 'the token of Sentry', state: 'ok' }]);
    expect(await find({ apiToken: 'other' })).toMatchObject([
      { state: 'bad', because: expect.stringContaining('401') },
    ]);
    expect(await find({ organization: 'other' })).toMatchObject([
      { state: 'bad', remedy: expect.stringContaining('slug') },
    ]);
    expect(await find({ apiToken: undefined })).toEqual([]);
  });
});
