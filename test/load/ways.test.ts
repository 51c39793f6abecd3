import { afterEach, describe, expect, it } from 'vitest';
import { checkFiles } from '../../src/load/index.ts';
import type { Source } from '../../src/ports/source.ts';
import email from '../../src/sources/email/index.ts';
import falco from '../../src/sources/falco/index.ts';
import { brief, makePlace, type Place } from './place.ts';

/** What `check` says of sources that tell no end, and of those that have a way of their own. */

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

async function problemsOf(config: string, runbook: string | null = null): Promise<string[]> {
  const place = await makePlace({ 'tocsin.yaml': config, 'policy.yaml': 'rules: []', 'runbooks/a.yaml': runbook });
  places.push(place);
  place.parts.sources = new Map([
    ...place.parts.sources,
    ['email', email as Source],
    ['falco', falco as unknown as Source],
  ]);
  return brief(await checkFiles(place.parts), place.folder);
}

const runbook = (step: string) => `title: x\nrisk: low\non: [{ source: falco }]\nsteps: [{ id: a, ${step} }]\n`;

it('a runbook that waits for the end of what tells none is a warning, however long it waits', async () => {
  const config = 'sources: { falco: { token: t } }\n';
  for (const within of ['10s', '2d'])
    expect(await problemsOf(config, runbook(`verify: { resolved: true, within: ${within} }`))).toEqual([
      expect.stringMatching(/^runbooks\/a\.yaml:4:\d+ falco tells no end of an alert, so that this wait always ends/),
    ]);
  expect(await problemsOf(config, runbook('exec: [a]'))).toEqual([]);
});

describe('the source email', () => {
  const config = (auth: string) => `sources: { email: { from: [a@b.test], to: [c@d.test]${auth} } }\n`;
  const waits = 'expect: { match: { a: b }, every: 1d, source: email }\n';

  it('may bring what must keep coming, when its senders have a password', async () => {
    expect(await problemsOf(config(', auth: { user: a, password: b }') + waits)).toEqual([]);
  });

  it('without one is told, and that what it brings does not count', async () => {
    expect(await problemsOf(config('') + waits)).toEqual([
      expect.stringContaining('everybody with an account on this machine may send'),
      expect.stringContaining('proves who sends'),
    ]);
  });

  it('whose alerts would never end is told', async () => {
    const rules = (state: string) =>
      config(`, auth: { user: a, password: b }, rules: [{ subject: x, fingerprint: subject${state} }]`);
    expect(await problemsOf(rules(''))).toEqual([expect.stringContaining('no rule tells an end')]);
    expect(await problemsOf(rules(', state: text'))).toEqual([]);
  });

  it('at another address needs TLS and a password', async () => {
    const open = 'sources: { email: { host: 0.0.0.0, from: [a@b.test], to: [c@d.test] } }\n';
    expect(await problemsOf(open)).toEqual([expect.stringContaining('needs tls and auth')]);
  });
});
