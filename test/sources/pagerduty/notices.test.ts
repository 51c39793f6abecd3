import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { incomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/pagerduty/index.ts';
import { normalise } from '../helpers.ts';

const incident = { id: 'Q1', type: 'incident_reference', summary: 'A queue grows' };
const mina = { id: 'PMINA', type: 'user_reference', summary: 'Mina' };
const otto = { id: 'POTTO', type: 'user_reference', summary: 'Otto' };
const field = (name: string, value: unknown) => ({ name, type: 'field_value', value });

function notice(event_type: string, data: object | null) {
  const event = { id: 'E1', event_type, occurred_at: '2026-11-20T11:00:00Z', data };
  const [made] = normalise(source, JSON.stringify({ event })).events.map(one => incomingEvent.parse(one));
  if (made?.kind !== 'notice') throw new Error(`a notice was expected: ${made?.kind}`);
  return made;
}

describe('the words of a notice', () => {
  const action = { action: { id: 'A1', summary: 'Restart it' }, state: 'terminated' };
  const workflow = { incident_workflow: { id: 'W1', summary: 'Major incident' }, summary: 'An instance' };
  const role = (more: object) => ({
    type: 'incident_role_assignment',
    incident_role_assignments: [
      { incident, role: { id: 'PR1', summary: 'Commander' }, status: 'active', assignee: mina, ...more },
    ],
  });
  test.each([
    ['incident.annotated', { incident, content: 'I look' }, 'I look'],
    ['incident.status_update_published', { incident, message: 'A mend is on its way' }, 'A mend is on its way'],
    [
      'incident.responder.added',
      { incident, user: mina, message: 'please look', state: 'pending' },
      'Mina is asked to help: please look',
    ],
    [
      'incident.responder.added',
      { incident, user: null, escalation_policy: { id: 'P1', summary: 'DBA' } },
      'DBA is asked to help',
    ],
    ['incident.responder.replied', { incident, user: mina, state: 'accepted', message: '' }, 'Mina accepted'],
    ['incident.responder.replied', { incident, user: mina, state: 'declined', message: 'ill' }, 'Mina declined: ill'],
    ['incident.responder.replied', { incident, user: mina }, 'Mina replied'],
    ['incident.role.assigned', role({}), 'Commander: Mina'],
    ['incident.role.assigned', role({ old_assignee: otto }), 'Commander: Mina (was Otto)'],
    ['incident.role.assigned', role({ assignee: null, old_assignee: otto }), 'Commander: nobody (was Otto)'],
    ['incident.role.assigned', role({ status: 'inactive' }), 'Commander: nobody (was Mina)'],
    [
      'incident.task.created',
      { incident, name: 'Drain the old nodes', status: 'todo', assignees: [mina, otto], description: 'all of them' },
      'Drain the old nodes (todo, for Mina, Otto): all of them',
    ],
    ['incident.task.updated', { incident, name: 'Drain', status: 'in_progress' }, 'Drain (in progress)'],
    ['incident.task.completed', { incident, summary: 'Drain' }, 'Drain'],
    [
      'incident.custom_field_values.updated',
      {
        incident,
        custom_fields: [field('environment', 'production'), field('region', ['US', 'EU']), field('other', 'same')],
        changed_custom_fields: [field('environment', 'staging'), field('region', []), field('gone', 5)],
      },
      'environment: production (was staging); region: US, EU (was nothing); gone: nothing (was 5)',
    ],
    [
      'incident.custom_field_values.updated',
      { incident, custom_fields: [field('environment', 'production'), field('loss', false)] },
      'environment: production; loss: false',
    ],
    [
      'incident.conference_bridge.updated',
      { incident, conference_url: 'https://meet.example/1', conference_numbers: [{ label: 'EU', number: '+1-555' }] },
      'https://meet.example/1, EU +1-555',
    ],
    ['incident.conference_bridge.updated', { incident }, 'there is no conference bridge any more'],
    ['incident.action_invocation.created', { incident, ...action, state: 'created' }, 'Restart it: created'],
    ['incident.action_invocation.updated', { incident, ...action, state: 'running' }, 'Restart it: running'],
    ['incident.action_invocation.terminated', { incident, ...action }, 'Restart it: terminated'],
    ['incident.workflow.started', { incident, ...workflow }, 'Major incident started'],
    ['incident.workflow.completed', { incident, ...workflow }, 'Major incident is completed'],
    ['incident.something.new', { incident, summary: 'new words' }, 'new words'],
    ['incident.something.new', { incident, message: 'new words' }, 'new words'],
  ])('%s %j', (type, data, words) => {
    expect(notice(type, data)).toMatchObject({ about: 'Q1', title: `${type}: A queue grows: ${words}` });
  });

  test.each([
    ['service.created', { type: 'service', id: 'P1', summary: 'Orders' }, 'service.created: Orders'],
    ['service.updated', { type: 'service', id: 'P1', summary: 'Orders' }, 'service.updated: Orders'],
    ['service.deleted', { type: 'service', id: 'P1', summary: 'Orders' }, 'service.deleted: Orders'],
    [
      'service.custom_field_values.updated',
      {
        service: { id: 'P1', summary: 'Orders' },
        custom_fields: [field('tier', '1')],
        changed_custom_fields: [field('tier', '2')],
      },
      'service.custom_field_values.updated: Orders: tier: 1 (was 2)',
    ],
    ['pagey.ping', { type: 'ping', message: 'Hello' }, 'pagey.ping: Hello'],
    ['incident.something.new', null, 'incident.something.new'],
    ['constructor', { summary: 'words' }, 'constructor: words'],
    ['constructor', {}, 'constructor'],
  ])('%s %j is about no incident', (type, data, title) => {
    const made = notice(type, data);
    expect(made.title).toBe(title);
    expect(made.about).toBeUndefined();
  });

  test('an incident without a summary is left out, and the first of several assignments says which it is', () => {
    const bare = { ...incident, summary: null };
    expect(notice('incident.task.created', { incident: bare, name: 'Drain' }).title).toBe(
      'incident.task.created: Drain',
    );
    const both = [
      { role: null, assignee: mina },
      { incident: bare, role: { id: 'PR2' } },
    ];
    expect(notice('incident.role.assigned', { incident_role_assignments: both })).toMatchObject({
      about: 'Q1',
      title: 'incident.role.assigned: a role: Mina; PR2: nobody',
    });
  });

  test('the bridge has a link, unless it is none for a page', () => {
    const links = (conference_url: string) =>
      notice('incident.conference_bridge.updated', { incident, conference_url }).links;
    expect(links('https://meet.example/1')).toEqual([{ label: 'Conference bridge', url: 'https://meet.example/1' }]);
    expect(links('javascript:alert(1)')).toEqual([]);
  });

  test('a field of another shape hides no other', () => {
    const data = { incident, user: 'Mina', message: 'please look', html_url: 5, custom_fields: 'none' };
    expect(notice('incident.responder.added', data).title).toBe(
      'incident.responder.added: A queue grows: Somebody is asked to help: please look',
    );
  });

  test('long words and many fields are cut, and say how much is missing', () => {
    const long = notice('incident.status_update_published', { incident, message: 'x'.repeat(5000) });
    expect(long.title.length).toBeLessThanOrEqual(500);
    expect(long.title).toMatch(/more characters/);
    const custom_fields = Array.from({ length: 50 }, (_, index) => field(`f${index}`, 1));
    expect(notice('incident.custom_field_values.updated', { incident, custom_fields }).title).toMatch(
      /f19: 1; 30 more$/,
    );
  });

  test('anything may be the data of any type', () => {
    const types = ['annotated', 'responder.added', 'role.assigned', 'task.created', 'custom_field_values.updated'];
    const type = fc.constantFrom('pagey.ping', ...types.map(one => `incident.${one}`));
    const value = fc.oneof(fc.constant(null), fc.string({ unit: 'binary' }), fc.jsonValue());
    const data = fc.record({
      incident: fc.oneof(value, fc.record({ id: value, summary: value })),
      incident_role_assignments: fc.oneof(value, fc.array(fc.record({ role: value, assignee: value, status: value }))),
      custom_fields: fc.oneof(value, fc.array(fc.record({ name: value, value }))),
      changed_custom_fields: fc.oneof(value, fc.array(fc.record({ name: value, value }))),
      assignees: value,
      message: value,
      user: value,
    });
    fc.assert(
      fc.property(type, data, (event_type, given) => {
        expect(notice(event_type, given).title.length).toBeLessThanOrEqual(500);
      }),
      { numRuns: 300 },
    );
  });
});
