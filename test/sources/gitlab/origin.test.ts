import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import source from '../../../src/sources/gitlab/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type GitLabDouble, startGitLabDouble } from '../../doubles/gitlab.ts';
import { delivery, take } from '../helpers.ts';

const sha = 'a'.repeat(40);
let gitlab: GitLabDouble;
beforeEach(async () => {
  gitlab = await startGitLabDouble();
  gitlab.commits.set(`acme/shop/${sha}`, []);
});
afterEach(() => gitlab.close());

const options = (more: object = {}) => ({
  token: 't',
  comment: true,
  apiToken: gitlab.token,
  url: gitlab.url,
  ...more,
});
const given = (more: object = {}) => source.options.parse(options(more));
const open = (more: object = {}) =>
  source.origin?.(given(more), { clock: systemClock, log: silentLog, reach: () => fetch });
const text = 'Tocsin: Fix failed\n/tag v1 @all\r/close';
const write = (labels: Record<string, string> = { project: 'acme/shop', sha }, more: object = {}) =>
  open(more)?.note?.(sampleAlert({ labels }), { text, marker: 'note/run_1/7' });
const notes = () => gitlab.commits.get(`acme/shop/${sha}`) ?? [];
const isDown = (error: unknown) => isCode(error, 'origin-down');

describe('comments at GitLab', () => {
  test('are written only where it is asked for, over https', () => {
    expect(open({ comment: undefined, apiToken: undefined })).toBeNull();
    expect(Object.keys(open() ?? {})).toEqual(['perMinute', 'note']);
    const parse = (more: object) => source.options.safeParse(options(more)).success;
    expect(parse({ apiToken: undefined })).toBe(false);
    expect(parse({ comment: undefined })).toBe(false);
    expect(parse({ url: 'http://gitlab.example.com' })).toBe(false);
  });

  test('stand on the commit, and nothing in them is carried out', async () => {
    expect(await write()).toBe('Wrote a comment on the commit at GitLab');
    expect(notes()).toEqual([
      expect.stringMatching(
        /^ {4}Tocsin: Fix failed\n {4}\/tag v1 @all\n {4}\/close\n\[tocsin note\/run_1\/7 [0-9a-f]{16}\]$/,
      ),
    ]);
    expect(gitlab.carriedOut).toEqual([]);
  });

  test('are written once, also behind many others, and after the answer was lost', async () => {
    notes().push(...Array.from({ length: 250 }, (_, index) => `comment ${index}`));
    gitlab.faults.push('none', 'none', 'none', 'lost');
    await expect(write()).rejects.toSatisfy(isDown);
    expect(notes()).toHaveLength(251);
    expect(await write()).toBe('The comment is at GitLab already');
    expect(notes()).toHaveLength(251);
  });

  test.each<[string, Record<string, string>]>([
    ['no commit', { project: 'acme/shop' }],
    ['no project', { sha }],
    ['something that is no project', { project: 'acme/../admin', sha }],
    ['something that is no commit', { project: 'acme/shop', sha: 'main' }],
  ])('are left out for %s', async (_what, labels) => {
    expect(await write(labels)).toBeNull();
    expect(gitlab.requests).toEqual([]);
  });

  test('are left out for a project that is not taken any more', async () => {
    expect(await write(undefined, { projects: ['other'] })).toBeNull();
    expect(await write(undefined, { projects: ['acme'] })).toContain('Wrote');
  });

  test.each([
    [{ status: 401, body: { message: '401 Unauthorized' } }, 'origin-down'],
    [{ status: 403, body: { message: '403 Forbidden' } }, 'origin-refused'],
    [{ status: 404 }, 'origin-refused'],
    [{ status: 429, headers: { 'retry-after': '11' } }, 'origin-limited'],
    [{ status: 500 }, 'origin-down'],
  ])('%j is %s', async (fault, code) => {
    gitlab.faults.push(fault);
    await expect(write()).rejects.toMatchObject({ code, message: expect.stringContaining('GitLab answered') });
    expect(notes()).toEqual([]);
  });

  test('are no news when they come back', async () => {
    await write();
    const hear = (note: unknown) => {
      const body = {
        object_kind: 'note',
        project: { id: 1, path_with_namespace: 'acme/shop' },
        object_attributes: { note, noteable_type: 'Commit' },
      };
      return take(source, delivery(JSON.stringify(body)), options());
    };
    const [own = ''] = notes();
    expect(hear(own)).toMatchObject({ events: [], echo: 'note' });
    for (const other of [own.replace('run_1', 'run_2'), `> ${own}\n\nreally?`, 7])
      expect(hear(other).events).toHaveLength(1);
  });

  test('tocsin doctor asks with the token', async () => {
    const find = (more: object = {}) =>
      source.check?.(given({ projects: ['acme'], ...more }), { fetch, signal: AbortSignal.timeout(5000) } as never);
    expect(await find()).toMatchObject([{ state: 'ok' }, { what: 'the token of GitLab', state: 'ok' }]);
    expect(await find({ apiToken: 'other' })).toMatchObject([
      {},
      { state: 'bad', because: expect.stringContaining('401') },
    ]);
  });
});
