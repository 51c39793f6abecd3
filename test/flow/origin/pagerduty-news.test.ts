import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mergeReason } from '../../doubles/pagerduty-incidents.ts';
import type { WebhookEvent } from '../../doubles/pagerduty-sender.ts';
import { lookRunbook } from '../files.ts';
import { openPlace, type Place } from './place.ts';

let place: Place;
beforeEach(async () => {
  place = await openPlace(() => ({
    'policy.yaml': 'rules: [{ name: all, decide: auto }]',
    'runbooks/look.yaml': lookRunbook,
  }));
});
afterEach(() => place.close());

const anHourAgo = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
/** A time of the hour before, by its minute; events give milliseconds, incidents seconds. */
const at = (minute: number, milliseconds = 0) => new Date(anHourAgo + minute * 60_000 + milliseconds).toISOString();
let sent = 0;

/** Sends an event about an incident that was created at minute 0. */
async function send(type: string, minute: number, data: Record<string, unknown>, milliseconds = 0): Promise<void> {
  const event = {
    id: `01NEWS${sent++}`,
    event_type: `incident.${type}`,
    occurred_at: at(minute, milliseconds),
    data: data as WebhookEvent['data'],
  };
  expect(await place.sender.send(event)).toBe('taken');
}
const incident = (id: string, more: object = {}) => ({
  id,
  type: 'incident',
  status: 'triggered',
  created_at: at(0).replace('.000', ''),
  title: 'A queue grows',
  service: { id: 'PSVC1', summary: 'Orders' },
  urgency: 'high',
  resolve_reason: null,
  ...more,
});
async function alert(fingerprint: string) {
  const found = await place.app.app.store.alertOf('pagerduty', fingerprint);
  if (found === null) throw new Error(`no alert ${fingerprint}`);
  return found;
}
const posts = async () => place.app.app.store.posts({ platform: 'console', limit: 100 });

describe('news of an incident', () => {
  it('that is older than what is known changes nothing', async () => {
    await send('triggered', 0, incident('QLATE1'));
    await send('resolved', 20, incident('QLATE1', { status: 'resolved' }));
    await send('escalated', 10, incident('QLATE1'));
    expect(await alert('QLATE1')).toMatchObject({ state: 'resolved', episode: 1, count: 1 });
  });

  it('begins a new episode when it was reopened since, although the reopening was not delivered', async () => {
    await send('triggered', 0, incident('QAGAIN'));
    await send('resolved', 10, incident('QAGAIN', { status: 'resolved' }));
    await send('escalated', 25, incident('QAGAIN', { reopened_at: at(20) }));
    expect(await alert('QAGAIN')).toMatchObject({
      state: 'firing',
      episode: 2,
      count: 1,
      startsAt: Date.parse(at(20)),
    });
    await place.app.until(async () =>
      (await posts()).some(post => post.key.startsWith('alert/') && post.key.endsWith('/2')),
    );
  });

  it('begins it also while the earlier stretch is thought to last, because its resolve was lost', async () => {
    await send('triggered', 0, incident('QLOST'));
    await send('escalated', 25, incident('QLOST', { reopened_at: at(20) }));
    expect(await alert('QLOST')).toMatchObject({ state: 'firing', episode: 2 });
  });

  it.each([
    ['without', {}],
    ['with', { reopened_at: at(20) }],
  ])('is of one episode from the reopening on, whose event came %s its time', async (_word, told) => {
    await send('triggered', 0, incident('Q1'));
    await send('resolved', 10, incident('Q1', { status: 'resolved' }));
    await send('reopened', 20, incident('Q1', told), 733);
    await send('escalated', 25, incident('Q1', { reopened_at: at(20) }));
    await send('priority_updated', 26, incident('Q1'));
    expect(await alert('Q1')).toMatchObject({ state: 'firing', episode: 2, count: 3, startsAt: Date.parse(at(20)) });
    await send('resolved', 30, incident('Q1', { status: 'resolved' }));
    expect(await alert('Q1')).toMatchObject({ state: 'resolved', episode: 2 });
  });

  it('that it was acknowledged may come before that it fires', async () => {
    await send('acknowledged', 5, incident('QACK', { status: 'acknowledged' }));
    await send('triggered', 0, incident('QACK'));
    expect(await alert('QACK')).toMatchObject({ state: 'firing', episode: 1, count: 1, acknowledgedBy: 'pagerduty' });
    await send('unacknowledged', 6, incident('QACK'));
    expect(await alert('QACK')).toMatchObject({ acknowledgedBy: null });
    await send('unacknowledged', 7, incident('QUNSEEN'));
    expect(await alert('QUNSEEN')).toMatchObject({ state: 'firing', episode: 1, count: 1 });
  });

  it('that it was merged is no cure, and names the one that it went into', async () => {
    await send('triggered', 0, incident('QFROM'));
    const resolve_reason = mergeReason({ id: 'QINTO', title: 'The database is slow' });
    await send('resolved', 10, incident('QFROM', { status: 'resolved', resolve_reason }));
    expect(await alert('QFROM')).toMatchObject({
      state: 'resolved',
      end: { how: 'merged', because: 'merged into The database is slow' },
    });
  });
});

describe('notices about an incident', () => {
  it('show their words in its thread, each as one note', async () => {
    await send('triggered', 0, incident('QWORDS'));
    const about = { id: 'QWORDS', type: 'incident_reference', summary: null };
    const mina = { id: 'PMINA01', summary: 'Mina', type: 'user_reference' };
    const notices: [string, string, Record<string, unknown>][] = [
      ['A mend is on its way', 'status_update_published', { id: 'U1', message: 'A mend is on its way' }],
      ['Drain the old nodes', 'task.created', { id: 'T1', name: 'Drain the old nodes', status: 'todo' }],
      [
        'Mina is asked to help: please look at the database',
        'responder.added',
        { user: mina, message: 'please look at the database', state: 'pending' },
      ],
      [
        'Commander: Mina',
        'role.assigned',
        {
          incident: undefined,
          incident_role_assignments: [
            { id: 'R1', status: 'active', assignee: mina, role: { id: 'PR1', summary: 'Commander' }, incident: about },
          ],
        },
      ],
      [
        'environment: production (was staging)',
        'custom_field_values.updated',
        {
          custom_fields: [{ name: 'environment', value: 'production' }],
          changed_custom_fields: [{ name: 'environment', value: 'staging' }],
        },
      ],
    ];
    for (const [index, [, type, data]] of notices.entries()) await send(type, index + 1, { incident: about, ...data });
    const { id } = await alert('QWORDS');
    const found = await place.app.until(async () => {
      const all = (await posts()).filter(post => post.card.badge?.startsWith('incident.'));
      return all.length === notices.length ? all.sort((a, b) => a.order - b.order) : null;
    });
    expect(found.map(post => post.thread)).toEqual(notices.map(() => `alert/${id}/1`));
    for (const [index, [words]] of notices.entries()) expect(found[index]?.card.title).toContain(words);
    expect(await alert('QWORDS')).toMatchObject({ state: 'firing', count: 1, version: 1 });
  });
});
