import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sha256 } from '../../src/kernel/canonical.ts';
import { runDry } from '../../src/load/dry-run.ts';
import { createCatalogue } from '../../src/load/index.ts';
import { createSnapshots } from '../../src/load/snapshot.ts';
import type { Event } from '../../src/model/event.ts';
import { compilePattern } from '../../src/model/expression/expression.ts';
import type { Runbook } from '../../src/ports/runbook.ts';
import { makePlace } from './place.ts';
import { shelf } from './shelf.ts';

const top = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, top), 'utf8');

function labelsOf(file: string): [string, string][] {
  const { alerts } = JSON.parse(read(`test/fixtures/payloads/hostile/${file}`));
  return alerts.flatMap((alert: { labels: object; annotations: object }) => [
    ...Object.entries(alert.labels),
    ...Object.entries(alert.annotations),
  ]);
}

function eventWith(value: string): Event {
  return {
    id: 'evt_1',
    source: 'alertmanager',
    receivedAt: 0,
    raw: null,
    trusted: true,
    body: {
      kind: 'alert',
      title: value,
      labels: { value },
      links: [],
      occurredAt: 0,
      state: 'firing',
      fingerprint: 'f',
      severity: 'info',
      annotations: {},
      startsAt: 0,
      endsAt: null,
    },
  };
}

async function echo(): Promise<Runbook> {
  const place = await makePlace({
    'runbooks/a.yaml':
      'title: A\nrisk: low\non: [{ source: alertmanager }]\nparams: { v: { type: string, from: labels.value } }\nsteps: [{ id: a, exec: [echo, "${{ params.v }}", "<${{ params.v }}>"] }]\n',
  });
  const catalogue = await createCatalogue(place.parts);
  await catalogue.close();
  await place.remove();
  const runbook = catalogue.current().runbooks.get('a');
  if (runbook === undefined) throw new Error('runbook a is not there');
  return runbook;
}

describe('what attackers write into labels', () => {
  it.each(['shell-injection.json', 'template-injection.json', 'bidi-and-homoglyph.json', 'prototype-pollution.json'])(
    '%s arrives as the bytes that it is, or is refused',
    async file => {
      const runbook = await echo();
      const values = labelsOf(file).filter(([, value]) => typeof value === 'string' && value !== '');
      expect(values.length).toBeGreaterThan(4);
      for (const [, value] of values) {
        const event = eventWith(value);
        const parameters = () => runbook.triggers[0]?.params({ event, alert: null }) ?? {};
        if (value.includes('\0') || value.startsWith('-') || value.length > 1000)
          expect(parameters).toThrow(/NUL|begins with|too long/);
        else {
          const ran = await runDry(runbook, parameters(), null, {}, shelf);
          expect(ran.inputs['a']).toEqual(['echo', value, `<${value}>`]);
        }
      }
    },
  );
});

describe('the patterns that come with it', () => {
  const patterns = readdirSync(new URL('runbooks/', top))
    .filter(name => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .flatMap(name => {
      const { params = {} } = parse(read(`runbooks/${name}`)) as { params?: Record<string, { pattern?: string }> };
      return Object.values(params).flatMap(param => param.pattern ?? []);
    });

  it('there are some', () => {
    expect(patterns.length).toBeGreaterThanOrEqual(3);
  });

  // An engine that backtracks would not come to an end here.
  it.each(patterns)('%s comes to an end on 50 kB', text => {
    const pattern = compilePattern(text);
    for (const piece of ['a', '/', '.', '-', 'a.', 'a-', '/a', '!'])
      expect(pattern.matches(`${piece.repeat(50_000 / piece.length)}\n!`)).toBe(false);
  });
});

describe('a stored snapshot', () => {
  const bytes = new TextEncoder().encode('title: A\nrisk: low\nsteps: [{ id: a, exec: [echo] }]\n');
  const planOf = (paths: Record<string, Uint8Array>, entry: string) => ({
    runbook: 'a',
    files: Object.fromEntries(Object.entries(paths).map(([path, text]) => [path, sha256(text)])),
    entry,
    params: {},
    targets: [],
    secrets: [],
  });
  const load = createSnapshots({ data: '/nonexistent', steps: shelf });

  it.each([
    ['../a.yaml', '../a.yaml'],
    ['/etc/a.yaml', '/etc/a.yaml'],
    ['a/../../a.ts', 'a/../../a.ts'],
    ['a\\b.ts', 'a\\b.ts'],
    ['./a.yaml', './a.yaml'],
    ['A B.yaml', 'A B.yaml'],
    ['a.yaml', 'b.yaml'],
    ['a.json', 'a.json'],
  ])('whose file is called %s is refused', async (path, entry) => {
    const files = new Map([[path, bytes]]);
    await expect(load(planOf({ [path]: bytes }, entry), files)).rejects.toMatchObject({ code: 'plan-changed' });
  });

  it('is compared with its plan also when the same plan was loaded before', async () => {
    const plan = planOf({ 'a.yaml': bytes }, 'a.yaml');
    expect((await load(plan, new Map([['a.yaml', bytes]]))).title).toBe('A');
    const other = new TextEncoder().encode('title: B\nrisk: low\nsteps: [{ id: a, exec: [rm] }]\n');
    await expect(load(plan, new Map([['a.yaml', other]]))).rejects.toMatchObject({ code: 'plan-changed' });
    expect((await load(planOf({ 'a.yaml': other }, 'a.yaml'), new Map([['a.yaml', other]]))).title).toBe('B');
  });
});
