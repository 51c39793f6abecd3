import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCode } from '../../src/kernel/errors.ts';
import { incomingEvent } from '../../src/model/event.ts';
import source from '../../src/sources/pagerduty/index.ts';
import { alertsOf, delivery, normalise, now, payload, refusesAtMost, vectors, verifyVector } from './helpers.ts';

const triggered = JSON.parse(payload('pagerduty/incident.triggered.json').toString());

/** The triggered incident as another event of it. */
function changed(event: object, data: object = {}): string {
  return JSON.stringify({ event: { ...triggered.event, ...event, data: { ...triggered.event.data, ...data } } });
}
const made = (event: object, data: object = {}) => normalise(source, changed(event, data)).events[0];
const noticeOf = (given: unknown) => {
  const event = incomingEvent.parse(given);
  if (event.kind !== 'notice') throw new Error(`a notice was expected: ${event.kind}`);
  return event;
};

describe('signatures', () => {
  test.each(vectors('pagerduty'))('$expect: $file $why', vector => {
    expect(verifyVector(source, { secret: vector.secret }, vector)).toBe(vector.expect === 'accept');
    expect(verifyVector(source, { secret: ['another', vector.secret] }, vector)).toBe(vector.expect === 'accept');
    expect(verifyVector(source, { secret: 'another' }, vector)).toBe(false);
  });

  test('there are vectors', () => expect(vectors('pagerduty').length).toBeGreaterThanOrEqual(5));

  test('without a secret nothing is proven, without a signature nothing is taken', () => {
    const given = delivery(payload('pagerduty/incident.triggered.json'));
    expect(source.verify(given, source.options.parse({}))).toEqual({ ok: true, by: 'none' });
    expect(source.verify(given, source.options.parse({ secret: 's' })).ok).toBe(false);
  });
});

describe('what it makes of an incident', () => {
  test('triggered: one alert, known by the id of the incident', () => {
    const { events, deliveryId } = normalise(source, payload('pagerduty/incident.triggered.json'));
    expect(deliveryId).toBe('01FQ7R8ZB3Y0KXJ2M5T6N7P8Q9');
    expect(events.map(event => incomingEvent.parse(event))).toEqual([
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: 'Q2QK8Z1XBD4F7N',
        title: 'Disk 92% full on db-prod-3',
        severity: 'error',
        labels: {
          service: 'Checkout DB',
          service_id: 'PSVC01A',
          urgency: 'high',
          priority: 'P2',
          escalation_policy: 'DB on-call',
          escalation_policy_id: 'PEP0001',
          team: 'Data Platform',
          number: '48213',
          incident_key: 'checkout-prod-eu1-disk',
          status: 'triggered',
        },
        annotations: { incident_key: 'checkout-prod-eu1-disk' },
        links: [
          { label: 'Incident', url: 'https://acme.pagerduty.com/incidents/Q2QK8Z1XBD4F7N' },
          { label: 'Service', url: 'https://acme.pagerduty.com/services/PSVC01A' },
        ],
        startsAt: Date.parse('2026-11-20T11:00:03Z'),
        stretch: 'startsAt',
        newsAt: Date.parse('2026-11-20T11:00:03.521Z'),
        endsAt: null,
        occurredAt: Date.parse('2026-11-20T11:00:03.521Z'),
      },
    ]);
  });

  test('acknowledged and resolved are about the same alert', () => {
    const [acknowledged] = alertsOf(normalise(source, payload('pagerduty/incident.acknowledged.json')).events);
    const [resolved] = alertsOf(normalise(source, payload('pagerduty/incident.resolved.json')).events);
    expect(acknowledged).toMatchObject({ state: 'acknowledged', fingerprint: 'Q2QK8Z1XBD4F7N', endsAt: null });
    expect(acknowledged?.by).toBe('Mina Okafor');
    expect(resolved).toMatchObject({ state: 'resolved', fingerprint: 'Q2QK8Z1XBD4F7N' });
    expect(resolved?.endsAt).toBe(Date.parse('2026-11-20T11:19:12.877Z'));
  });

  test.each([
    ['incident.unacknowledged', 'triggered', 'firing'],
    ['incident.reopened', 'triggered', 'firing'],
    ['incident.escalated', 'triggered', 'firing'],
    ['incident.escalated', 'acknowledged', 'acknowledged'],
    ['incident.reassigned', 'acknowledged', 'acknowledged'],
    ['incident.delegated', 'triggered', 'firing'],
    ['incident.priority_updated', 'resolved', 'resolved'],
    ['incident.service_updated', undefined, 'firing'],
  ])('%s of an incident that is %s: %s', (event_type, status, state) => {
    expect(made({ event_type }, { status })).toMatchObject({ kind: 'alert', state });
  });

  test.each([
    ['incident.triggered', {}, '11:00:03'],
    ['incident.escalated', { reopened_at: '2026-11-20T12:00:00Z' }, '12:00:00'],
    ['incident.reopened', { reopened_at: '2026-11-20T12:00:00Z' }, '12:00:00'],
    // Later events give the same second, so these are one stretch.
    ['incident.reopened', {}, '12:00:00'],
    ['incident.reopened', { reopened_at: 'soon' }, '12:00:00'],
    ['incident.resolved', { reopened_at: '2026-11-20T10:00:00Z' }, '11:00:03'],
    ['incident.resolved', { reopened_at: 7 }, '11:00:03'],
    ['incident.triggered', { created_at: '2036-01-01T00:00:00Z', reopened_at: '2026-11-20T10:00:00Z' }, '10:00:00'],
  ])('%s with %j: the stretch began at %s', (event_type, data, start) => {
    expect(made({ event_type, occurred_at: '2026-11-20T12:00:00.733Z' }, data)).toMatchObject({
      startsAt: Date.parse(`2026-11-20T${start}Z`),
      stretch: 'startsAt',
      newsAt: Date.parse('2026-11-20T12:00:00.733Z'),
    });
  });

  test('a start and a time that are not told name no stretch and no news', () => {
    const bare = made({ occurred_at: null }, { created_at: null });
    expect(bare).toMatchObject({ startsAt: now, occurredAt: now });
    for (const event of [bare, made({ occurred_at: '2036-01-01T00:00:00Z' }, { created_at: '2036-01-01T00:00:00Z' })]) {
      expect(event).not.toHaveProperty('stretch');
      expect(event).not.toHaveProperty('newsAt');
    }
    expect(made({ event_type: 'incident.reopened', occurred_at: null })).not.toHaveProperty('stretch');
  });

  test('who acknowledged it is the agent of that event, bounded, and of no other', () => {
    const agent = { summary: `  ${'M'.repeat(500)}` };
    expect(made({ event_type: 'incident.acknowledged', agent })).toMatchObject({
      by: expect.stringMatching(/^M.{0,199}$/),
    });
    for (const event of [
      { event_type: 'incident.acknowledged', agent: null },
      { event_type: 'incident.acknowledged', agent: { summary: ' ' } },
      { event_type: 'incident.escalated', agent },
    ])
      expect(made(event, { status: 'acknowledged' })).not.toHaveProperty('by');
  });

  test.each([
    [
      { id: 'Q2', summary: 'A queue grows' },
      { name: 'A queue grows', fingerprint: 'Q2' },
    ],
    [
      { id: 'Q2', summary: null },
      { name: 'incident Q2', fingerprint: 'Q2' },
    ],
    [null, { name: 'another incident' }],
    ['Q2', { name: 'another incident' }],
  ])('a merge into %j is no cure', (target, mergedInto) => {
    const resolve_reason = { type: 'merge_resolve_reason', incident: target };
    const resolved = made({ event_type: 'incident.resolved' }, { status: 'resolved', resolve_reason });
    expect(resolved).toMatchObject({ state: 'resolved', mergedInto });
    expect(made({ event_type: 'incident.triggered' }, { resolve_reason })).not.toHaveProperty('mergedInto');
  });

  test.each([null, 'merged', { type: 'something_else' }, {}])('a resolve for the reason %j is one', resolve_reason => {
    const resolved = made({ event_type: 'incident.resolved' }, { status: 'resolved', resolve_reason });
    expect(resolved).toMatchObject({ kind: 'alert', state: 'resolved' });
    expect(resolved).not.toHaveProperty('mergedInto');
  });

  test.each([
    [{ priority: { summary: 'P1' }, urgency: 'low' }, 'critical'],
    [{ priority: { summary: 'SEV-3' }, urgency: 'high' }, 'warning'],
    [{ priority: { summary: 'P5' } }, 'info'],
    [{ priority: null, urgency: 'high' }, 'error'],
    [{ priority: null, urgency: 'low' }, 'warning'],
    [{ priority: { summary: 'Whatever' }, urgency: 'low' }, 'warning'],
  ])('%j is %s', (data, severity) => {
    expect(made({}, data)).toMatchObject({ severity });
  });

  test.each([
    ['incident.annotated', { type: 'incident_note', incident: { summary: 'Disk full' }, content: 'looking' }],
    ['incident.responder.added', { type: 'incident_responder' }],
    ['service.updated', { type: 'service' }],
    ['pagey.ping', { type: 'ping' }],
    ['constructor', {}],
    ['incident.triggered', { type: 'something_new' }],
  ])('%s opens nothing and is kept', (event_type, data) => {
    expect(made({ event_type }, data)).toMatchObject({ kind: 'notice', type: event_type });
  });

  test.each([
    ['incident.annotated', { type: 'incident_note', incident: { id: 'Q9' }, id: 'N1' }, 'Q9'],
    ['incident.responder.added', { type: 'incident_responder', incident: { id: 'Q9' }, id: undefined }, 'Q9'],
    ['incident.something.new', { type: 'incident', id: 'Q9' }, 'Q9'],
    ['incident.annotated', { type: 'incident_note', incident: { id: 'Q\u0000' }, id: 'N1' }, /^sha256:/],
    ['incident.annotated', { type: 'incident_note', incident: { id: '' }, id: 'N1' }, undefined],
    ['service.updated', { type: 'service', id: 'PSVC' }, undefined],
    ['incident.annotated', { type: 'incident_note', incident: 'Q9', id: 'N1' }, undefined],
  ])('%s %j is about %s', (event_type, data, about) => {
    const notice = noticeOf(made({ event_type }, data));
    if (about instanceof RegExp) expect(notice.about).toMatch(about);
    else expect(notice.about).toBe(about);
  });

  test('an event without data is kept; one without an id is refused', () => {
    expect(normalise(source, '{"event":{"id":"1","event_type":"x.y"}}').events[0]).toMatchObject({
      kind: 'notice',
      occurredAt: now,
    });
    expect(() => normalise(source, '{"event":{"event_type":"incident.triggered"}}')).toThrow(
      expect.toSatisfy(error => isCode(error, 'bad-body') && error.at === 'event.id'),
    );
  });

  test('any JSON is normalised or refused', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constant(null),
      fc.constant('2026-11-20T11:00:03.521Z'),
      fc.constant('constructor'),
    );
    const reference = fc.oneof(
      fc.constant(null),
      fc.record({ summary: text, id: text, html_url: text }),
      fc.anything(),
    );
    const data = fc.record({
      id: text,
      type: fc.constantFrom('incident', 'incident_note'),
      title: text,
      number: fc.anything(),
      status: text,
      created_at: text,
      service: reference,
      priority: reference,
      teams: fc.oneof(fc.array(reference), fc.anything()),
      urgency: text,
    });
    const type = fc.constantFrom(
      'incident.triggered',
      'incident.resolved',
      'incident.escalated',
      'toString',
      'incident.annotated',
    );
    const event = fc.record({ id: text, event_type: type, occurred_at: text, agent: reference, data });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ event })), value => {
        const body =
          JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? String(member) : member)) ?? 'null';
        refusesAtMost(() => {
          for (const one of normalise(source, body).events) incomingEvent.parse(one);
        });
      }),
      { numRuns: 1000 },
    );
  });
});
