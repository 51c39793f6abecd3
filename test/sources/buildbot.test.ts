import { describe, expect, it } from 'vitest';
import { isCode } from '../../src/kernel/errors.ts';
import buildbot from '../../src/sources/buildbot/index.ts';
import { startTestApp } from '../doubles/app.ts';
import { captured, foldEvents } from './captured.ts';
import { normalise, take } from './helpers.ts';

const build = (change: object) =>
  JSON.stringify({ builder: { name: 'runtests' }, complete: true, started_at: 1_795_604_000, results: 2, ...change });
const one = (change: object, options: object = {}) => normalise(buildbot, build(change), options).events[0];

describe('what Buildbot 3.7 really sent', () => {
  it('opens with the failure of a builder, and ends with its next success', () => {
    const [started, success, failure] = ['build-started', 'build-success', 'build-failure'].flatMap(
      name => take(buildbot, captured(`buildbot/${name}`), {}).events,
    );
    if (started === undefined || success === undefined || failure === undefined) throw new Error('one is missing');
    // Build 1 was well before build 3 failed.
    expect(foldEvents([started, success, failure]).effects).toEqual(['notice', 'unseen', 'opened']);
    expect(foldEvents([failure, success]).effects).toEqual(['opened', 'stale']);
    expect(failure).toMatchObject({
      fingerprint: 'runtests',
      labels: { builder: 'runtests', worker: 'w1', result: 'failure' },
      links: [{ label: 'Build', url: 'http://127.0.0.1:24070/#builders/1/builds/3' }],
    });
  });

  it('is refused where nothing was sent, and the operators see it', async () => {
    const app = await startTestApp({
      'tocsin.yaml':
        'sources: { buildbot: { basic: { user: bb, password: secret } } }\npeople: { alice: {} }\noperators: [alice]\ntokens: [{ env: ALICE, person: alice }]\n',
    });
    try {
      const { body } = captured('buildbot/start-end-generator-empty');
      expect(body).toHaveLength(0);
      const authorization = `Basic ${Buffer.from('bb:secret').toString('base64')}`;
      const answer = await fetch(`${app.app.url}/events/buildbot`, {
        method: 'POST',
        headers: { authorization },
        body: '',
      });
      expect(answer.status).toBe(415);
      const ready = await app.call('GET', '/readyz', { as: null });
      expect(ready.body.parts['source buildbot']).toContain('wrong-content-type');
    } finally {
      await app.stop();
    }
  });
});

it.each([
  [0, 'resolved'],
  [1, 'resolved'],
  [2, 'firing'],
  [3, 'notice'],
  [4, 'firing'],
  [5, 'notice'],
  [6, 'notice'],
  [7, 'notice'],
  [-1, 'notice'],
  [0.5, 'notice'],
  [null, 'notice'],
])('result %s is %s', (results, expected) => {
  const event = one({ results });
  expect(event?.kind === 'alert' ? event.state : event?.kind).toBe(expected);
});

it('of builds at the same time the one that began last decides, whichever ends last', () => {
  const events = [
    one({ results: 2, started_at: 1_795_604_000, complete_at: 1_795_604_010 }),
    one({ results: 0, started_at: 1_795_604_020, complete_at: 1_795_604_030 }),
    one({ results: 2, started_at: 1_795_604_015, complete_at: 1_795_604_040 }),
  ].flatMap(event => event ?? []);
  expect(foldEvents(events).effects).toEqual(['opened', 'resolved', 'stale']);
});

it('tells branches apart where it is asked to, and no value of one passes for another', () => {
  const branch = (name: string) =>
    one({ properties: { branch: [name, 'x'], extra: ['y', 'x'] } }, { by: ['branch', 'extra'] });
  const prints = ['main', 'main/extra=y', 'main%2Fextra=y', ''].map(name => {
    const event = branch(name);
    return event?.kind === 'alert' ? event.fingerprint : null;
  });
  expect(new Set(prints).size).toBe(4);
  expect(one({ properties: { branch: ['main', 'x'] } })).toMatchObject({ fingerprint: 'runtests' });
});

it('takes the name of the builder from its properties, and refuses a build without any', () => {
  expect(one({ builder: null, properties: { buildername: ['docs', 'Builder'] } })).toMatchObject({
    fingerprint: 'docs',
  });
  const refused = () => one({ builder: { name: ' ' } });
  expect(refused).toThrow(expect.toSatisfy(error => isCode(error, 'bad-body')));
});
