import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Case, cases, cellOf, isPossible, type Path, paths } from '../../scripts/generate/support/vote-matrix.ts';
import { openDiscordVotes } from './discord.ts';
import { openHttpVotes } from './http.ts';
import type { Asked, VotePlace, Way, Who } from './place.ts';
import { openSlackVotes } from './slack.ts';

/** Every way to vote, held against everybody and everything that must not count: docs/security.md is made of the same list. */
const places: [
  string,
  readonly Path[],
  () => Promise<{ place: VotePlace; ways: Partial<Record<Path, Way>>; close(): Promise<void> }>,
][] = [
  ['by HTTP', ['api', 'cli', 'console-button', 'console-command'], openHttpVotes],
  ['in Slack', ['slack-button', 'slack-modal', 'slack-command', 'slack-mention'], openSlackVotes],
  ['in Discord', ['discord-button', 'discord-modal', 'discord-command'], openDiscordVotes],
];

test('every path of the list is tried', () => {
  expect(places.flatMap(([, own]) => own).sort()).toEqual(Object.keys(paths).sort());
});

describe.each(places)('votes %s', (_, own, open) => {
  let opened: Awaited<ReturnType<typeof open>>;
  /** What was asked for first, so that the time of all of it runs out together. */
  const expired = new Map<Path, Asked>();
  const wayOf = (path: Path): Way => opened.ways[path] ?? never();

  beforeAll(async () => {
    opened = await open();
    for (const path of own) expired.set(path, await opened.place.ask(wayOf(path)));
    await opened.place.expire();
  }, 120_000);
  afterAll(() => opened.close());

  const cells = own.flatMap(path => (Object.keys(cases) as Case[]).map(which => ({ path, which })));
  test.each(cells)('$path, $which: no vote, and a word why', { timeout: 60_000 }, async ({ path, which }) => {
    const cell = cellOf(path, which);
    if (!isPossible(cell)) return expect(cell.impossible).toMatch(/^[a-z].{10,}/);
    const { place } = opened;
    const asked =
      which === 'expired'
        ? (expired.get(path) ?? never())
        : await place.ask(wayOf(path), which === 'requester' ? 'alice' : 'alert');
    const others = await prepare(which, asked, place, wayOf(path));
    const before = await Promise.all([asked, ...others].map(one => place.read(one.id)));
    const told = await attempts(which, asked, others);
    expect(told.map(text => text.replaceAll(/\s+/g, ' '))).toEqual(cell.map(text => expect.stringContaining(text)));
    expect(await Promise.all([asked, ...others].map(one => place.read(one.id)))).toEqual(before);
  });
});

/** Brings the approval to where the case begins; resolves to further ones that must stay as they are. */
async function prepare(which: Case, asked: Asked, place: VotePlace, way: Way): Promise<Asked[]> {
  switch (which) {
    case 'expired':
      await place.closed(asked.id, 'expired');
      return [];
    case 'replayed':
      await asked.attempt.vote('alice');
      await place.closed(asked.id, 'approved');
      expect((await place.read(asked.id)).votes).toHaveLength(1);
      return [];
    case 'altered':
      return [await place.ask(way)];
    case 'voided':
      await asked.later();
      await place.closed(asked.id, 'void');
      return [];
    case 'resolved':
      await asked.resolve();
      await place.closed(asked.id, 'void');
      return [];
    default:
      return [];
  }
}

/** Tries what the case is about, in turn; resolves to what was told. */
async function attempts(which: Case, { attempt }: Asked, [other]: Asked[]): Promise<string[]> {
  const each = async (...who: Who[]) => {
    const told: string[] = [];
    for (const one of who) told.push(await attempt.vote(one));
    return told;
  };
  switch (which) {
    case 'outsider':
      return await each('rita');
    case 'guest':
      return await each('guest', 'foreign');
    case 'replayed':
      if (attempt.repeat === undefined) return await each('alice', 'bob');
      await attempt.repeat('alice');
      return await each('bob');
    case 'altered':
      return [
        await attempt.vote('alice', { seal: true }),
        await attempt.vote('bob', { approval: other?.id ?? never() }),
      ];
    default:
      return await each('alice');
  }
}

function never(): never {
  throw new Error('not reached');
}
