import { describe, expect, test } from 'vitest';
import { incomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/github/index.ts';
import { delivery, now, take } from '../helpers.ts';
import { all } from './octokit.ts';

function hear(name: string, body: object, options: object) {
  const given = delivery(JSON.stringify(body), { 'X-GitHub-Event': name, 'X-GitHub-Delivery': 'a-guid' }, now);
  return take(source, given, options);
}

/** Events without which there is nothing to tell: a run begins, or a deployment is under way. */
const quiet: Readonly<Record<string, (body: { action?: string; deployment_status?: { state: string } }) => boolean>> = {
  check_suite: ({ action }) => action !== 'completed',
  workflow_run: ({ action }) => action !== 'completed',
  deployment_status: ({ deployment_status }) => deployment_status?.state !== 'success',
};

describe.each(all)('every payload of %s', (_release, events) => {
  test.each(events.map(one => [one.name, one] as const))('%s is taken or kept', (name, { examples }) => {
    expect(examples.length).toBeGreaterThan(0);
    for (const body of examples) {
      const { events: told, deliveryId } = hear(name, body, { tellAll: true });
      expect(told.length).toBeGreaterThan(0);
      for (const event of told) {
        expect(incomingEvent.parse(event)).toEqual(event);
        expect(event.labels['event']).toBe(name);
        expect(event.title).not.toMatch(/undefined|null|NaN|\[object/);
      }
      expect(deliveryId).toMatch(/^[0-9a-f]{64}(\/a-guid)?$/);
      const usual = hear(name, body, {}).events;
      expect(usual).toEqual(quiet[name]?.(body) ? [] : told);
    }
  });

  test('what has a reader fits it', () => {
    const read = [
      'branch_protection_rule',
      'code_scanning_alert',
      'dependabot_alert',
      'deployment',
      'deployment_status',
    ];
    for (const { name, examples } of events.filter(one => [...read, 'member', 'ping', 'push'].includes(one.name)))
      for (const body of examples)
        for (const event of hear(name, body, { tellAll: true }).events)
          expect(event.labels, `${name} ${JSON.stringify(body).slice(0, 300)}`).not.toHaveProperty('tocsin_note');
  });

  test('under the name of another event, which nobody signs, it makes no alert and passes for none of that event', () => {
    const passed: string[] = [];
    for (const { name, examples } of events)
      for (const other of readers.filter(one => one !== name))
        for (const body of examples)
          for (const event of hear(other, body, { tellAll: true }).events)
            if (event.kind === 'alert' || event.labels['tocsin_note'] === undefined) passed.push(`${name} as ${other}`);
    expect([...new Set(passed)]).toEqual([]);
  });

  test('is refused when it is of a repository or an owner that is not taken', () => {
    for (const { name, examples } of events)
      for (const body of examples.filter(one => 'repository' in one))
        expect(() => hear(name, body, { repositories: ['acme'] }), name).toThrow();
  });
});

const readers = [
  'branch_protection_rule',
  'check_suite',
  'code_scanning_alert',
  'dependabot_alert',
  'deployment',
  'deployment_status',
  'member',
  'ping',
  'push',
  'secret_scanning_alert',
  'workflow_run',
];

test('the alerts of github.com', () => {
  const [, events] = all[0] ?? [];
  const made = (events ?? []).flatMap(({ name, examples }) =>
    examples.flatMap(body => hear(name, body, {}).events.filter(event => event.kind === 'alert')),
  );
  const told = made.map(event => `${event.state} ${event.severity} ${event.fingerprint}`);
  expect([...new Set(told)].toSorted()).toMatchInlineSnapshot(`
    [
      "firing error code_scanning_alert/337911632/10/refs/heads/code-feature",
      "firing info code_scanning_alert/186853002/10",
      "firing warning dependabot_alert/512875663/20",
      "resolved error check_suite/186853002/29310/changes",
      "resolved error check_suite/186853002/29310/main",
      "resolved error code_scanning_alert/337911632/10",
      "resolved error code_scanning_alert/337911632/10/refs/pull/11/merge",
      "resolved error deployment_status/186853002/production",
      "resolved error workflow_run/300029405/2823525/master",
      "resolved warning dependabot_alert/1296269/1",
    ]
  `);
});
