import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFeed } from '../../../src/flow/gates/known/feeds/feeds.ts';
import { createHistory } from '../../../src/flow/gates/known/history.ts';
import { createBadIndex } from '../../../src/flow/gates/known/known.ts';
import { matchBad } from '../../../src/flow/gates/known/match.ts';
import { type Evidence, noEvidence } from '../../../src/model/gates/evidence.ts';
import type { BadEntry, ListedThing } from '../../../src/model/gates/known-bad.ts';
import type { Subject } from '../../../src/model/gates/subject.ts';

const noHistory = createHistory(() => new Map(), { path: '' });
const entry = (thing: ListedThing, more: Partial<BadEntry> = {}): BadEntry => ({
  thing,
  reason: 'bad',
  from: 'known-bad.yaml',
  by: 'alice',
  blocks: 'rollout',
  until: null,
  ...more,
});
const match = (entries: BadEntry[], subject: Subject, evidence: Evidence = noEvidence, history = noHistory) =>
  matchBad(subject, evidence, { sources: [{ index: createBadIndex(entries), asOf: null }], history, now: 1000 });
const madeOf = (...purls: string[]): Evidence => ({
  ...noEvidence,
  sbom: { known: true, signed: false, cut: 0, components: purls.map(purl => ({ name: 'x', version: '', purl })) },
});
const scanned = (...ids: string[]): Evidence => ({
  ...noEvidence,
  vulnerabilities: {
    ...noEvidence.vulnerabilities,
    known: true,
    signed: false,
    cut: 0,
    list: ids.map(id => ({ id, package: 'openssl', version: '3.0.1', severity: 'high' as const, fixed: '' })),
  },
});
const listed = (purl: string, versions: string[] = [], ranges: string[] = []) =>
  entry({ kind: 'package', purl, versions, ranges });
const sha = (digit: string) => digit.repeat(40);

describe('an entry', () => {
  it.each<[string, BadEntry, string, boolean | null]>([
    ['a version that is listed', listed('pkg:npm/left-pad', ['1.3.0']), 'pkg:npm/left-pad@1.3.0', true],
    ['another version', listed('pkg:npm/left-pad', ['1.3.0']), 'pkg:npm/left-pad@1.3.1', null],
    ['a namespace, encoded or not', listed('pkg:npm/%40acme/pad', ['1.0.0']), 'pkg:npm/@acme/pad@1.0.0', true],
    ['another package with the same end', listed('pkg:npm/%40acme/pad', ['1.0.0']), 'pkg:npm/pad@1.0.0', null],
    ['another ecosystem', listed('pkg:npm/requests', ['2.0.0']), 'pkg:pypi/requests@2.0.0', null],
    [
      'names that pypi does not tell apart',
      listed('pkg:pypi/Zope.Interface', ['5.0']),
      'pkg:pypi/zope.interface@5.0',
      true,
    ],
    [
      'qualifiers and a path',
      listed('pkg:deb/debian/curl', ['7.50.3-1']),
      'pkg:deb/debian/curl@7.50.3-1?arch=i386#x',
      true,
    ],
    ['a range that has it', listed('pkg:npm/left-pad', [], ['>=1.0.0 <1.3.1']), 'pkg:npm/left-pad@1.3.0', true],
    ['a range that ends before it', listed('pkg:npm/left-pad', [], ['>=1.0.0 <1.3.1']), 'pkg:npm/left-pad@1.3.1', null],
    ['a version before a release', listed('pkg:npm/left-pad', [], ['<1.3.1']), 'pkg:npm/left-pad@1.3.1-rc.1', true],
    ['the v of Go', listed('pkg:golang/github.com/a/b', [], ['<1.3.1']), 'pkg:golang/github.com/A/b@v1.2.0', true],
    ['every version', listed('pkg:npm/left-pad'), 'pkg:npm/left-pad', true],
    ['a version that is not semantic', listed('pkg:npm/left-pad', [], ['<1.3.1']), 'pkg:npm/left-pad@main', false],
    ['no version', listed('pkg:npm/left-pad', ['1.3.0']), 'pkg:npm/left-pad', false],
  ])('about packages holds for %s as it should', async (_what, one, purl, sure) => {
    const found = await match([one], {}, madeOf(purl, 'no purl', ''));
    expect(found.map(({ sure: is }) => is)).toEqual(sure === null ? [] : [sure]);
  });

  it('holds until its end and not in it', async () => {
    const commit = { kind: 'commit', sha: sha('a') } as const;
    expect(await match([entry(commit, { until: 1001 })], { sha: sha('a') })).toHaveLength(1);
    expect(await match([entry(commit, { until: 1000 })], { sha: sha('a') })).toEqual([]);
  });

  it('about a vulnerability is found in a scan, whatever the case of its id', async () => {
    const one = entry({ kind: 'vulnerability', id: 'CVE-2024-1001' });
    expect(await match([one], {}, scanned('cve-2024-1001', 'CVE-2024-1002'))).toMatchObject([
      { what: 'cve-2024-1001 in openssl@3.0.1' },
    ]);
  });

  it('costs a question no more with a hundred thousand others, and tells at most fifty', async () => {
    const others = Array.from({ length: 100_000 }, (_, number) =>
      entry({ kind: 'package', purl: `pkg:npm/p${number}`, versions: ['1.0.0'], ranges: [] }),
    );
    const index = createBadIndex(others);
    expect(index.size).toBe(100_000);
    let looked = 0;
    const counted = {
      ...index,
      at(key: string) {
        looked++;
        return index.at(key);
      },
    };
    const sources = [{ index: counted, asOf: null }];
    const evidence = madeOf(...Array.from({ length: 300 }, (_, number) => `pkg:npm/p${number}@1.0.0`));
    expect(await matchBad({ sha: sha('a') }, evidence, { sources, history: noHistory, now: 0 })).toHaveLength(50);
    // One look for the commit, and one for each component.
    expect(looked).toBe(301);
  });
});

describe('a record of OSV', () => {
  const read = async (record: object) => (await readFeed('osv', Buffer.from(JSON.stringify(record)))).entries;
  const holds = async (record: object, purl: string) => {
    const entries = (await read(record)).map(one => entry(one.thing));
    return (await match(entries, {}, madeOf(purl))).map(({ sure }) => sure);
  };
  const affected = (ecosystem: string, name: string, more: object) => ({
    id: 'GHSA-aaaa-bbbb-cccc',
    affected: [{ package: { ecosystem, name }, ...more }],
  });
  const range = (type: string, ...events: object[]) => ({ ranges: [{ type, events }] });

  it('names its id and its aliases, and nothing once it is withdrawn', async () => {
    const record = { id: 'GHSA-aaaa-bbbb-cccc', aliases: ['CVE-2024-1001'], summary: 'A flaw' };
    const ids = (await read(record)).map(({ thing }) => (thing.kind === 'vulnerability' ? thing.id : ''));
    expect(ids).toEqual(['GHSA-AAAA-BBBB-CCCC', 'CVE-2024-1001']);
    expect(
      await readFeed('osv', Buffer.from(JSON.stringify({ ...record, withdrawn: '2024-01-01T00:00:00Z' }))),
    ).toEqual({
      entries: [],
      skipped: 0,
    });
  });

  it.each<[string, object, string, boolean[]]>([
    [
      'SEMVER before',
      affected('npm', '@acme/pad', range('SEMVER', { introduced: '0' }, { fixed: '1.3.1' })),
      'pkg:npm/%40acme/pad@1.3.0',
      [true],
    ],
    [
      'SEMVER after',
      affected('npm', '@acme/pad', range('SEMVER', { introduced: '0' }, { fixed: '1.3.1' })),
      'pkg:npm/%40acme/pad@1.3.1',
      [],
    ],
    [
      'two stretches, between them',
      affected(
        'npm',
        'pad',
        range('SEMVER', { introduced: '2.0.0' }, { fixed: '2.1.0' }, { introduced: '1.0.0' }, { fixed: '1.3.0' }),
      ),
      'pkg:npm/pad@1.4.0',
      [],
    ],
    [
      'two stretches, in the second',
      affected(
        'npm',
        'pad',
        range('SEMVER', { introduced: '2.0.0' }, { fixed: '2.1.0' }, { introduced: '1.0.0' }, { fixed: '1.3.0' }),
      ),
      'pkg:npm/pad@2.0.5',
      [true],
    ],
    [
      'the last affected',
      affected('crates.io', 'pad', range('SEMVER', { introduced: '1.0.0' }, { last_affected: '1.3.0' })),
      'pkg:cargo/pad@1.3.0',
      [true],
    ],
    ['a malicious package', affected('npm', 'pad', range('SEMVER', { introduced: '0' })), 'pkg:npm/pad@9.9.9', [true]],
    [
      'listed versions of PyPI',
      affected('PyPI', 'Pad_It', { versions: ['1.0'], ...range('ECOSYSTEM', { introduced: '0' }) }),
      'pkg:pypi/pad-it@1.0',
      [true],
    ],
    [
      'another version of PyPI',
      affected('PyPI', 'Pad_It', { versions: ['1.0'], ...range('ECOSYSTEM', { introduced: '0' }) }),
      'pkg:pypi/pad-it@2.0',
      [],
    ],
    [
      'a range of Maven that is not compared',
      affected('Maven', 'org.acme:pad', range('ECOSYSTEM', { introduced: '0' }, { fixed: '1.2' })),
      'pkg:maven/org.acme/pad@1.1',
      [false],
    ],
  ])('with %s', async (_what, record, purl, sure) => {
    expect(await holds(record, purl)).toEqual(sure);
  });
});

describe('a plain list', () => {
  it('has digests, commits and purls, with reasons, and counts what it does not understand', async () => {
    const text = `\ufeff# ours\r\n\r\nsha256:${'0'.repeat(64)}\r\n${sha('a')} # loses orders\r\npkg:npm/left-pad@1.3.0\nlatest\n`;
    const { entries, skipped } = await readFeed('list', Buffer.from(text));
    expect(entries.map(({ thing, reason }) => [thing.kind, reason])).toEqual([
      ['image', 'it is on the list'],
      ['commit', 'loses orders'],
      ['package', 'it is on the list'],
    ]);
    expect(skipped).toBe(1);
  });
});

describe('a range of commits', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-git-'));
  const clone = join(folder, 'work');
  const path = process.env['PATH'] ?? '';
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: clone,
      encoding: 'utf8',
    }).trim();
  const ids: Record<string, string> = {};
  const commit = (name: string) => {
    git('commit', '-q', '--allow-empty', '-m', name);
    ids[name] = git('rev-parse', 'HEAD');
  };
  beforeAll(() => {
    mkdirSync(clone);
    git('init', '-q', '-b', 'main');
    for (const name of ['before', 'bad', 'still']) commit(name);
    git('checkout', '-q', '-b', 'release');
    commit('release');
    git('checkout', '-q', 'main');
    for (const name of ['fixed', 'after']) commit(name);
    git('checkout', '-q', '-b', 'other', ids['before'] ?? '');
    commit('beside');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const range = () =>
    entry({
      kind: 'range',
      repository: 'https://git.example/Acme/checkout.git',
      introduced: ids['bad'] ?? '',
      fixed: [ids['fixed'] ?? ''],
      last: null,
    });
  const among = (clones: Record<string, string>) => createHistory(() => new Map(Object.entries(clones)), { path });

  it.each([
    ['before', []],
    ['bad', [true]],
    ['still', [true]],
    ['release', [true]],
    ['fixed', []],
    ['after', []],
    ['beside', []],
  ])('with the commit %s', async (name, sure) => {
    const history = among({ 'acme/checkout': clone });
    const found = await match([range()], { repository: 'acme/checkout', sha: ids[name] ?? '' }, noEvidence, history);
    expect(found.map(one => one.sure)).toEqual(sure);
  });

  it('is not told of another repository', async () => {
    const history = among({ 'acme/checkout': clone });
    const of = { repository: 'other/checkout', sha: ids['bad'] ?? '' };
    expect(await match([range()], of, noEvidence, history)).toEqual([]);
  });

  it.each<[string, () => Record<string, string>, () => Subject, string]>([
    ['no clone', () => ({}), () => ({ sha: ids['bad'] ?? '' }), 'names none of'],
    [
      'a clone that is none',
      () => ({ 'acme/checkout': folder }),
      () => ({ sha: ids['bad'] ?? '' }),
      'not a git repository',
    ],
    [
      'a folder that is not there',
      () => ({ 'acme/checkout': join(folder, 'gone') }),
      () => ({ sha: ids['bad'] ?? '' }),
      'cannot',
    ],
    ['a commit that is not in it', () => ({ 'acme/checkout': clone }), () => ({ sha: sha('e') }), 'does not have'],
    ['a shallow clone', () => ({ 'acme/checkout': shallow() }), () => ({ sha: ids['after'] ?? '' }), 'shallow'],
    ['no commit in the question', () => ({ 'acme/checkout': clone }), () => ({}), 'names no commit'],
  ])('cannot be told with %s, so people are asked', async (_what, clones, of, because) => {
    const subject = { repository: 'acme/checkout', ...of() };
    const found = await match([range()], subject, noEvidence, among(clones()));
    expect(found).toMatchObject([{ sure: false, reason: expect.stringContaining(because) }]);
  });

  function shallow(): string {
    const to = join(folder, 'shallow');
    execFileSync('git', ['clone', '-q', '--depth', '1', '--branch', 'main', `file://${clone}`, to]);
    return to;
  }

  it('takes nothing that is no id for git', async () => {
    const evil = entry({
      kind: 'range',
      repository: 'acme/checkout',
      introduced: '--upload-pack=x',
      fixed: [],
      last: null,
    });
    writeFileSync(join(folder, 'x'), '');
    const history = among({ 'acme/checkout': clone });
    const of = { repository: 'acme/checkout', sha: ids['bad'] ?? '' };
    expect(await match([evil], of, noEvidence, history)).toMatchObject([
      { sure: false, reason: expect.stringContaining('no full id') },
    ]);
  });
});
