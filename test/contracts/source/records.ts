import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Source } from '../../../src/ports/source.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { proofContract } from './proof.ts';
import { now, provenDelivery, type Sample } from './samples.ts';

const folder = new URL('../../fixtures/payloads/hostile/', import.meta.url);
const hostile = readdirSync(folder).map(name => [name, readFileSync(new URL(name, folder))] as const);

/** What every source promises whose deliveries are batches of raw records. */
export function recordsContract(source: Source): void {
  const samples = samplesIn(source);

  it('has an example that is taken, and makes the proof of its sender', () => {
    expect(samples.length).toBeGreaterThan(0);
    expect(source.prove).toBeTypeOf('function');
  });

  describe('its proof', () => proofContract(samples));
  describe('at the door', () => doorContract(samples));
}

type Records = Sample & { records: number; unreadable: number };

function samplesIn(source: Source): Records[] {
  return source.examples.flatMap(({ title, options: given, headers, body, expect: expected }) => {
    if (!('records' in expected)) return [];
    const options = source.options.parse(given);
    const bare = { source, title, given, options, headers: {}, body: Buffer.from(body), events: [] };
    const proof = source.prove?.({ headers, body: bare.body, at: now }, options) ?? {};
    const left = Object.fromEntries(Object.entries(headers).filter(([name]) => !(name in proof)));
    return [{ ...bare, headers: left, records: expected.records, unreadable: expected.unreadable ?? 0 }];
  });
}

function doorContract(samples: readonly Records[]): void {
  let app: TestApp;
  beforeAll(async () => {
    const names = samples.map((sample, index) => [`records-${index}`, sample] as const);
    const sources = Object.fromEntries(
      names.map(([name, { source, given }]) => [name, { type: source.id, ...(given as object) }]),
    );
    app = await startTestApp({ 'tocsin.yaml': JSON.stringify({ sources, ...basics }) });
  });
  afterAll(() => app.stop());

  async function send(index: number, body: Buffer, more: Record<string, string | undefined> = {}) {
    const sample = samples[index];
    if (sample === undefined) throw new Error('there is no such sample');
    const headers = { ...provenDelivery(sample, body).headers, ...more };
    const given = Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const answer = await fetch(`${app.app.url}/events/records-${index}`, {
      method: 'POST',
      headers: given,
      body: new Uint8Array(body),
    });
    return { status: answer.status, text: await answer.text() };
  }

  const named = samples.map((sample, index) => [sample.title, index, sample] as const);

  it.each(named)(
    '%s: is counted, and once when it comes twice',
    async (_title, index, { body, records, unreadable }) => {
      const counted = async () => await app.app.store.cursor(`records/records-${index}`);
      const first = await send(index, body);
      expect([200, 202]).toContain(first.status);
      const since = await counted();
      expect(since).toBeGreaterThan(0);
      const second = await send(index, body);
      // A sender with a protocol of its own has its own answer.
      if (first.status === 202) {
        expect(JSON.parse(first.text)).toEqual({ records, unreadable, alerts: 0, duplicate: false });
        expect(JSON.parse(second.text)).toMatchObject({ duplicate: true });
      }
      expect(await counted()).toBe(since);
    },
  );

  it.each(named)('%s: without its proof nothing is counted', async (_title, index, sample) => {
    const { headers } = provenDelivery(sample);
    const body = Buffer.concat([sample.body, Buffer.from('\n')]);
    for (const name of Object.keys(headers).filter(name => !(name in sample.headers)))
      for (const value of [undefined, 'guessed'])
        expect((await send(index, body, { [name]: value })).status, `${name}: ${value}`).toBe(401);
    const answer = await send(index, body);
    expect(answer.text).not.toContain('"duplicate":true');
    expect([200, 202]).toContain(answer.status);
  });

  it.each(named)(
    '%s: hostile bodies are taken or refused, and the door stays open',
    async (_title, index, { body }) => {
      for (const [file, bytes] of hostile)
        for (const encoding of ['gzip', undefined]) {
          const answer = await send(index, bytes, { 'content-encoding': encoding });
          expect([200, 202, 413, 422], `${file}: ${answer.text}`).toContain(answer.status);
          expect(answer.text.length).toBeLessThan(2000);
        }
      expect([200, 202]).toContain((await send(index, body)).status);
    },
  );
}

const basics = {
  people: { alice: {}, bob: {} },
  groups: { sre: ['alice', 'bob'] },
  operators: ['sre'],
  tokens: [{ env: 'ALICE', person: 'alice' }],
};
