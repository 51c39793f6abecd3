import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { IncomingEvent } from '../../src/model/event.ts';
import source from '../../src/sources/webhook/index.ts';
import { readPage } from '../docs/pages.ts';
import { captured } from './captured.ts';
import { refusal, take } from './helpers.ts';

/** What programs of Debian 12 sent, through the mappings that docs/senders.md shows. */

const page = readPage('docs/senders.md').blocks.filter(block => block.label === 'tocsin.yaml');

/** The options of a source as the page shows them, without their proof, which captured deliveries do not have. */
function shown(name: string): Record<string, unknown> {
  for (const block of page) {
    const options = parse(block.text).sources[name];
    if (options === undefined) continue;
    const { type: _type, auth: _auth, ...rest } = options;
    return rest;
  }
  throw new Error(`docs/senders.md shows no source ${name}`);
}

const eventsOf = (file: string, options: object) => take(source, captured(file), options).events;

function one(file: string, options: object): IncomingEvent {
  const events = eventsOf(file, options);
  expect(events).toHaveLength(1);
  return events[0] as IncomingEvent;
}

test('syslog-ng: lines, a list, the message alone', () => {
  expect(eventsOf('syslog-ng/batch-lines', shown('syslog'))).toMatchObject([
    {
      kind: 'notice',
      title: 'host-1: disk "quoted" C:\\Users\\x größe <b>&',
      labels: { host: 'host-1', level: 'err' },
    },
    { kind: 'notice', title: 'host-1: latin1 gr\\xf6' },
  ]);
  const map = { fingerprint: '""', state: '"notice"' };
  const list = { map: { ...map, each: 'body', title: 'item.MESSAGE' } };
  expect(eventsOf('syslog-ng/array', list).map(event => event.title)).toEqual([
    'disk "quoted" C:\\Users\\x größe <b>&',
    'latin1 gr\\xf6',
    'third\ttab',
  ]);
  const text = {
    format: 'text',
    map: { ...map, title: 'headers["X-Syslog-Host"] + ": " + body', severity: 'headers["x-syslog-level"]' },
  };
  expect(one('syslog-ng/default', text)).toMatchObject({ title: 'host-1: disk "quoted" C:\\Users\\x größe <b>&' });
  expect(refusal(() => eventsOf('syslog-ng/default', list)).remedy).toContain('format: text');
  const latin1 = { charset: 'latin1', map: { ...map, title: 'body.message' } };
  expect(one('syslog-ng/template-latin1', latin1)).toMatchObject({ title: 'latin1 grö' });
});

test('rsyslog: Latin-1 as it is, and times as digits in a text', () => {
  expect(one('rsyslog/jsonf', shown('rsyslog'))).toMatchObject({
    title: 'host-1: disk "quoted" C:\\Users\\x größe <b>&',
  });
  expect(one('rsyslog/jsonf-latin1', shown('rsyslog'))).toMatchObject({ title: 'host-1: latin1 grö' });
  const map = {
    fingerprint: 'body.host',
    state: '"firing"',
    title: 'body.message',
    severity: 'body.sev',
    startsAt: 'body.t',
  };
  expect(one('rsyslog/property-json', { map })).toMatchObject({ severity: 'error', startsAt: 1_795_878_000_000 });
});

test('fail2ban: a fraction of a second in a text; attackers do not write JSON', () => {
  const options = { ...shown('fail2ban'), format: 'json' };
  expect(one('fail2ban/unban', options)).toMatchObject({ state: 'resolved', newsAt: 1_795_883_255_000 });
  expect(refusal(() => eventsOf('fail2ban/ban-double-quotes', options)).at).toMatch(/^line 1/);
});

test('Buildbot: results as states; a body without anything is refused', () => {
  const options = {
    states: { 0: 'resolved', 2: 'firing' },
    map: {
      fingerprint: 'body.builder.name',
      state: 'body.results',
      title: 'body.builder.name + ": " + body.state_string',
      links: { Build: 'body.url' },
      at: 'body.complete_at',
      labels: { branch: 'body.properties.branch[0]' },
    },
  };
  expect(one('buildbot/build-failure', options)).toMatchObject({
    state: 'firing',
    newsAt: 1_795_883_270_000,
    labels: {},
  });
  expect(one('buildbot/build-success', options)).toMatchObject({ state: 'resolved' });
  expect(refusal(() => eventsOf('buildbot/start-end-generator-empty', options)).at).toBe('the body is empty');
});
