import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdentities } from '../../../src/flow/people/identify.ts';
import { createSignIns } from '../../../src/flow/people/sign-ins.ts';
import { type Config, configFile } from '../../../src/model/config.ts';
import type { Store } from '../../../src/ports/store.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

let folder: string;
let store: Store;
let clock: HandClock;
/** What was asked of the store. */
let asked: number;

beforeEach(async () => {
  clock = createClock();
  asked = 0;
  folder = await mkdtemp(join(tmpdir(), 'tocsin-sign-ins-'));
  store = await sqlite.open({ folder, url: null, now: clock.now });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const alice = { kind: 'person', id: 'alice', via: 'api', account: null } as const;

const files = (tokens: unknown[]) => configFile.parse({ people: { alice: {}, bob: {} }, tokens });

const usual = [
  { env: 'ALICE', person: 'alice', may: ['vote'] },
  { env: 'CI', service: 'ci' },
];

/** One node: all of them have the store and the key in common. */
function node(
  more: { config?: Config; env?: Record<string, string>; key?: string; localKey?: string; down?: boolean } = {},
) {
  const config = more.config ?? files(usual);
  const env: Record<string, string> = more.env ?? { ALICE: 'alice-secret', CI: 'ci-secret' };
  const localKey = more.localKey ?? null;
  const identities = createIdentities({ config: () => config, env: name => env[name], localKey });
  const signIns = createSignIns({
    clock,
    store: {
      async claimed(claim) {
        asked += 1;
        if (more.down) throw new Error('the store is down');
        return await store.claimed(claim);
      },
    },
    feed: store,
    identities,
    config: () => config,
    key: more.key ?? 'shared',
  });
  return { ...signIns, identities };
}

function passOf(from = node(), secret = 'alice-secret'): string {
  const opened = from.open(secret);
  if (opened === null) throw new Error('the secret was refused');
  return opened.pass;
}

/** The pass with other facts and the old seal. */
function forge(pass: string, change: object): string {
  const [text = '', seal] = pass.split('.');
  const facts = { ...JSON.parse(Buffer.from(text, 'base64url').toString()), ...change };
  return `${Buffer.from(JSON.stringify(facts)).toString('base64url')}.${seal}`;
}

describe('a sign-in', () => {
  it('holds on every node, and the form token of one node is that of the others', async () => {
    const opened = node().open('alice-secret');
    const other = node();
    const found = await other.read(opened?.pass);
    expect(found).toEqual(opened);
    expect(found).toMatchObject({ who: alice, local: false });
    expect(other.realm).toBe(node().realm);
    expect(found && other.identities.mayOf(found.who)).toEqual(['vote']);
  });

  it('is another one each time, and says nothing of the secret', () => {
    const passes = [passOf(), passOf()];
    expect(new Set(passes).size).toBe(2);
    for (const pass of passes) {
      expect(Buffer.from(pass.split('.')[0] ?? '', 'base64url').toString()).not.toContain('secret');
    }
    expect(node().open('wrong')).toBeNull();
    expect(node().open('')).toBeNull();
  });

  it('ends on every node at once when it is signed out, also twice at the same moment, and no other one does', async () => {
    const [one, two] = [node(), node()];
    const [pass, other] = [passOf(one), passOf(one)];
    const found = await two.read(pass);
    if (found === null) throw new Error('not signed in');
    await Promise.all([two.end(found), one.end(found)]);
    expect([await one.read(pass), await two.read(pass)]).toEqual([null, null]);
    expect(await one.read(other)).not.toBeNull();
  });

  it('is over after twelve hours, and the store forgets that it was ended no sooner', async () => {
    const at = node();
    const [kept, left] = [passOf(at), passOf(at)];
    await clock.advance(3_600_000);
    const found = await at.read(left);
    if (found === null) throw new Error('not signed in');
    await at.end(found);
    await clock.advance(11 * 3_600_000 - 1);
    expect([(await at.read(kept)) !== null, await at.read(left)]).toEqual([true, null]);
    await clock.advance(1);
    expect([await at.read(kept), await at.read(left)]).toEqual([null, null]);
  });

  it.each([
    ['withdrawn from tocsin.yaml', { config: files([{ env: 'CI', service: 'ci' }]) }],
    ['changed in the environment', { env: { ALICE: 'new-secret', CI: 'ci-secret' } }],
    ['gone from the environment', { env: { CI: 'ci-secret' } }],
    ['given to somebody else', { config: files([{ env: 'ALICE', person: 'bob' }]) }],
    ['of another installation', { key: 'other' }],
  ])('is nothing where its token is %s', async (_what, other) => {
    expect(await node(other).read(passOf())).toBeNull();
  });

  it('cannot be made by who knows the shared key and not the token', async () => {
    const guessed = node({ env: { ALICE: 'guess' } });
    expect(await node().read(passOf(guessed, 'guess'))).toBeNull();
  });

  it('is refused when a bit of it differs, and what is not genuine costs the store nothing', async () => {
    const pass = passOf();
    const [text = '', seal = ''] = pass.split('.');
    const ci = passOf(node(), 'ci-secret');
    const tries = [
      ...['', '.', text, `${text}.`, `.${seal}`, `${pass}.`, `${pass}=`, `${text}.${seal.slice(0, -1)}`],
      `${text}.${ci.split('.')[1]}`,
      forge(pass, {}).slice(0, -1),
      forge(pass, { as: 'bob' }),
      forge(pass, { by: 'env/CI' }),
      forge(pass, { by: 'local' }),
      forge(pass, { by: '__proto__' }),
      forge(pass, { at: clock.now() + 1 }),
      forge(pass, { more: 1 }),
      forge(pass, { at: '2026' }),
      Buffer.from('[1').toString('base64url'),
      'x'.repeat(5000),
    ];
    for (const one of [undefined, ...tries]) expect(await node().read(one), one).toBeNull();
    expect(asked).toBe(0);
    expect(forge(pass, {})).toBe(pass);
    expect(await node().read(pass)).not.toBeNull();
    expect(asked).toBe(1);
  });

  it('is not taken while the store cannot say whether it was ended', async () => {
    await expect(node({ down: true }).read(passOf())).rejects.toThrow('the store is down');
  });

  it('of a token is one person; the local one may be anybody of tocsin.yaml, and ends with the key', async () => {
    const at = node();
    const found = await at.read(passOf(at));
    expect(found && at.actAs(found, 'bob')).toBeNull();

    const local = node({ localKey: 'key' });
    const you = local.open('key');
    const bob = you && local.actAs(you, 'bob');
    expect(you).toMatchObject({ local: true, who: { id: 'you', account: 'console:you' } });
    expect(await local.read(bob?.pass)).toMatchObject({ id: you?.id, form: you?.form, who: { id: 'bob' } });
    for (const nobody of ['mallory', '__proto__', '']) expect(you && local.actAs(you, nobody)).toBeNull();
    if (bob) await local.end(bob);
    expect(await local.read(you?.pass)).toBeNull();
    expect(await node({ localKey: 'next' }).read(passOf(local, 'key'))).toBeNull();
  });
});
