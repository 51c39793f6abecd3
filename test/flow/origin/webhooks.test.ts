import { afterEach, describe, expect, it } from 'vitest';
import { lookRunbook } from '../files.ts';
import { config, openPlace, type Place } from './place.ts';

let place: Place;
afterEach(() => place.close());
const open = async () => {
  place = await openPlace(() => ({
    'policy.yaml': 'rules: [{ name: all, decide: auto }]',
    'runbooks/look.yaml': lookRunbook,
  }));
};
const alerts = async () => place.app.app.store.alerts({});
const accepted = async () => (await place.app.journal()).filter(entry => entry.fact.kind === 'event.accepted');

describe('webhooks of PagerDuty', () => {
  it('what Tocsin itself wrote comes back and starts nothing, posts nothing and is no alert', async () => {
    await open();
    await place.incident('Q1');
    await place.untilTold('note');
    const [note] = place.pagerduty.incidents.get('Q1')?.notes ?? [];
    const before = (await accepted()).length;
    const echo = { id: 'N1', type: 'incident_note', incident: { id: 'Q1', summary: 'Disk full' }, content: note };
    const sent = { id: '01ECHO', event_type: 'incident.annotated', occurred_at: new Date().toISOString(), data: echo };
    expect(await place.sender.send(sent)).toBe('taken');
    await place.incident('QPAGE', 'triggered', { incident_key: 'tocsin/run_1', title: 'Fix it failed' });
    expect(await accepted()).toHaveLength(before);
    expect(await place.app.runs()).toHaveLength(1);
    // Anybody there can set these marks, so what they hide is counted, each delivery once.
    await place.sender.send(sent);
    const figures = await (await fetch(`${place.app.app.url}/metrics`)).text();
    for (const what of ['note', 'page'])
      expect(figures).toContain(`tocsin_events_echoed_total{source="pagerduty",what="${what}"} 1\n`);
  });

  it('an incident that nobody signed may name any other, so nothing is done to it', async () => {
    place = await openPlace(pagerduty => ({
      'tocsin.yaml': config(pagerduty).replace(/^ {4}secret:.*$/m, ''),
      'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre }]',
      'runbooks/look.yaml': lookRunbook.replace('risk: none', 'risk: low'),
    }));
    await place.incident('Q1');
    const approval = await place.app.until(
      async () => (await place.app.call('GET', '/api/v1/approvals?state=open')).body[0],
    );
    await place.app.call('POST', `/api/v1/approvals/${approval.id}/votes`, { body: { vote: 'approve' } });
    await place.app.ended(approval.run);
    expect(await place.told()).toEqual([]);
    expect(place.pagerduty.incidents.get('Q1')).toMatchObject({ status: 'triggered', notes: [] });
    expect(place.pagerduty.requests).toEqual([]);
  });

  it('what people write about an incident stands in its thread, in its order, as text', async () => {
    await open();
    await place.incident('Q1');
    const hostile = '<!channel> *[tocsin]* <script>alert(1)</script> \u202e`rm -rf /` @here';
    for (const [id, event_type, content] of [
      ['01N1', 'incident.annotated', 'I look'],
      ['01N2', 'incident.responder.added', ''],
      ['01N3', 'incident.annotated', hostile],
    ] as const)
      await place.sender.send({
        id,
        event_type,
        occurred_at: new Date().toISOString(),
        data: { id: `D${id}`, type: 'incident_note', incident: { id: 'Q1', summary: 'Disk full' }, content },
      });
    const notices = await place.app.until(async () => {
      const posts = await place.app.app.store.posts({ platform: 'console', limit: 50 });
      const found = posts.filter(post => post.card.badge?.startsWith('incident.'));
      return found.length === 3 ? found.sort((a, b) => a.order - b.order) : null;
    });
    const [alert] = await alerts();
    expect(notices.map(post => [post.thread, post.card.badge])).toEqual([
      [`alert/${alert?.id}/1`, 'incident.annotated'],
      [`alert/${alert?.id}/1`, 'incident.responder.added'],
      [`alert/${alert?.id}/1`, 'incident.annotated'],
    ]);
    expect(notices[2]?.card.title).toBe(`incident.annotated: Disk full: ${hostile}`);
    // Words about an incident are no news of its state.
    expect(alert).toMatchObject({ state: 'firing', count: 1, version: 1 });
  });

  it('what is written about an incident that is not known is a post of its own', async () => {
    await open();
    const data = {
      id: 'N1',
      type: 'incident_note',
      incident: { id: 'Q1', summary: 'Disk full' },
      content: 'I look [tocsin]',
    };
    await place.sender.send({
      id: '01N',
      event_type: 'incident.annotated',
      occurred_at: new Date().toISOString(),
      data,
    });
    await place.app.until(async () => {
      const posts = await place.app.app.store.posts({ platform: 'console', limit: 10 });
      return posts.some(post => post.card.title.includes('I look') && post.thread === null);
    });
  });

  it('one thread per incident, in the order of the sender, whatever comes twice', async () => {
    await open();
    await Promise.all([place.incident('Q1'), place.incident('Q1', 'acknowledged'), place.incident('Q1', 'resolved')]);
    const same = { id: '01SAME', event_type: 'incident.triggered', occurred_at: new Date().toISOString() };
    const data = { id: 'Q2', type: 'incident', title: 'Another', status: 'triggered', urgency: 'high' };
    await Promise.all(Array.from({ length: 10 }, () => place.sender.send({ ...same, data })));
    expect((await alerts()).map(alert => [alert.fingerprint, alert.state, alert.episode, alert.count])).toEqual(
      expect.arrayContaining([
        ['Q1', 'resolved', 1, 1],
        ['Q2', 'firing', 1, 1],
      ]),
    );
    expect(await alerts()).toHaveLength(2);
    const roots = await place.app.until(async () => {
      const posts = await place.app.app.store.posts({ platform: 'console', thread: null, limit: 100 });
      const own = posts.filter(post => post.key.startsWith('alert/'));
      return own.length === 2 ? own : null;
    });
    expect(roots).toHaveLength(2);
  });

  it('never has its subscription disabled by what it does not know', async () => {
    await open();
    for (const event_type of ['incident.workflow.completed', 'service.custom_field_value.updated', 'pagey.ping', 'x'])
      expect(
        await place.sender.send({
          id: `01${event_type}`,
          event_type,
          occurred_at: 'soon',
          data: { id: 'Q1', odd: [1] },
        }),
      ).toBe('taken');
    expect(place.sender.disabled()).toBe(false);
    expect(place.sender.answers.every(status => status === 202)).toBe(true);
  });

  it('a wrong signature is refused, and three of them cost the subscription: the double keeps to the rules', async () => {
    place = await openPlace(pagerduty => ({
      'policy.yaml': 'rules: []',
      'tocsin.yaml': `sources: { pagerduty: { secret: other } }\npeople: { alice: {} }\ntokens: [{ env: ALICE, person: alice }]\n# ${pagerduty.url}`,
    }));
    const send = (id: string) =>
      place.sender.send({ id, event_type: 'pagey.ping', occurred_at: new Date().toISOString(), data: { id } });
    expect([await send('1'), await send('2'), await send('3'), await send('4')]).toEqual([
      'dropped',
      'dropped',
      'dropped',
      'disabled',
    ]);
    expect(place.sender.answers).toEqual([401, 401, 401]);
    expect(await accepted()).toEqual([]);
  });
});
