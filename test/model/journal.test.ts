import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { entryBytes, entryHash, entryVersion, genesis, type NewEntry, parseEntry } from '../../src/model/journal.ts';
import { sampleEntry, sampleRun } from '../contracts/samples.ts';

describe('the format of the journal', () => {
  // This cannot change: journals that exist were written with it. A new format is a new version with its own reader.
  const bytes =
    '{"stream":"alert/alt_1","v":2,"actor":{"kind":"system","id":"tocsin"},"at":1780315200000,"fact":{"kind":"alert.noted","alert":"alt_1","text":"ü\\ud800\\u0000"}}';

  test('is this text for this entry', () => {
    expect(entryBytes(sampleEntry('ü\ud800\0'))).toBe(bytes);
  });

  test('is hashed over previous hash, sequence and bytes, each on its line', () => {
    const expected = createHash('sha256')
      .update(Buffer.from(`${genesis}\n1\n${bytes}`))
      .digest('hex');
    expect(entryHash(genesis, 1, bytes)).toBe(expected);
    expect(genesis).toBe('0'.repeat(64));
  });

  test('reads back as it was written', () => {
    const row = { seq: 1, bytes, prev: genesis, hash: 'h' };
    expect(parseEntry(row)).toEqual({ ...sampleEntry('ü\ud800\0'), version: entryVersion, ...row });
  });

  test('reads notices of before they could be about an alert, and of after', () => {
    const notice =
      '{"stream":"event/evt_1","v":2,"actor":{"kind":"source","id":"pagerduty"},"at":1780315200000,"fact":{"kind":"event.accepted","event":{"id":"evt_1","source":"pagerduty","receivedAt":1780315200000,"raw":null,"trusted":true,"body":{"kind":"notice","title":"a note","labels":{},"links":[],"occurredAt":1780315200000,"type":"incident.annotated"}},"effect":null,"alert":null,"episode":null}}';
    const about = (text: string) => {
      const { fact } = parseEntry({ seq: 1, bytes: text, prev: genesis, hash: 'h' });
      if (fact.kind !== 'event.accepted' || fact.event.body.kind !== 'notice') throw new Error('no notice');
      return fact.event.body.about;
    };
    expect(about(notice)).toBeUndefined();
    expect(about(notice.replace('"type":', '"about":"Q1","type":'))).toBe('Q1');
  });

  test('reads a change as it was written', () => {
    const body = {
      ...{ kind: 'change', title: 't', labels: {}, links: [], occurredAt: 1 },
      ...{ actor: { name: 'dana' }, action: 'push', resource: { type: 'branch', id: 'acme/shop:main' } },
      ...{ before: { as: 'digest', digest: 'a1' }, after: { as: 'facts', facts: { x: 'y' } } },
      ...{ environment: 'production', outcome: { state: 'failure', error: 'refused' }, changeId: 'c1' },
    };
    const event = { id: 'evt_1', source: 'github', receivedAt: 1, raw: 'd', trusted: true, body };
    const fact = { kind: 'event.accepted', event, effect: null, alert: null, episode: null };
    const entry = { ...sampleEntry('x'), fact } as NewEntry;
    expect(parseEntry({ seq: 1, bytes: entryBytes(entry), prev: genesis, hash: 'h' }).fact).toEqual(fact);
  });

  test('reads runs of before their questions were counted', () => {
    const { question, ...older } = sampleRun();
    const entry = { ...sampleEntry('x'), fact: { kind: 'run.created', run: older } } as NewEntry;
    const { fact } = parseEntry({ seq: 1, bytes: entryBytes(entry), prev: genesis, hash: 'h' });
    expect(fact).toEqual({ kind: 'run.created', run: { ...older, question } });
  });

  test.each([
    '',
    '{',
    '[]',
    '{"stream":"x"}',
    bytes.replace('alert.noted', 'alert.unheard'),
    bytes.replace('"v":2', '"v":1.5'),
  ])('refuses %j', bad => {
    expect(() => parseEntry({ seq: 1, bytes: bad, prev: genesis, hash: 'h' })).toThrow();
  });
});
