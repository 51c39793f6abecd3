import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../src/chat/console/index.ts';
import { findSample, sendSample } from '../../src/chat/console/samples.ts';
import type { IncomingAlert } from '../../src/model/event.ts';
import alertmanager from '../../src/sources/alertmanager/index.ts';
import { sampleAlert } from '../contracts/samples.ts';
import { createHostDouble, type HostDouble } from '../doubles/chat-host.ts';

let double: HostDouble;
let status = 202;
let taken: { headers: Record<string, unknown>; alerts: IncomingAlert[] }[];

beforeEach(async () => {
  double = await createHostDouble();
  taken = [];
  status = 202;
  const options = alertmanager.options.parse({});
  // The door of the double reads with the real source: what it would refuse is refused here too.
  double.http.post('/events/alertmanager', async (request, reply) => {
    const delivery = { headers: {}, body: Buffer.from(JSON.stringify(request.body)), at: Date.now() };
    const { events } = alertmanager.normalise(request.body, delivery, options);
    taken.push({ headers: request.headers, alerts: events.filter(event => event.kind === 'alert') });
    return reply.code(status).send({ accepted: [] });
  });
  const connection = await platform.open(platform.options.parse({}), double.host);
  await double.listen();
  return () => connection.close();
});
afterEach(() => double.close());

const send = (id: string, state: 'firing' | 'resolved') => {
  const sample = findSample(id);
  if (sample === undefined) throw new Error(`there is no sample ${id}`);
  return sendSample(double.host, sample, state);
};

describe('the sample alerts', () => {
  it.each([
    ['disk', 'DiskFilling'],
    ['service', 'ServiceDown'],
    ['certificate', 'CertificateExpiring'],
  ])('%s is what Alertmanager would send, and its resolve ends the same stretch', async (id, alertname) => {
    expect((await send(id, 'firing')).ok).toBe(true);
    const [fired] = taken[0]?.alerts ?? [];
    expect(fired).toMatchObject({ state: 'firing', endsAt: null, labels: { alertname, tocsin_sample: 'true' } });
    if (fired === undefined) return;
    const { fingerprint, startsAt } = fired;
    const known = sampleAlert({ source: 'alertmanager', fingerprint, startsAt, state: 'firing' });
    await double.commit({ rows: [{ table: 'alert', doc: known }] });
    await send(id, 'resolved');
    const [resolved] = taken[1]?.alerts ?? [];
    expect(resolved).toMatchObject({ state: 'resolved', fingerprint, startsAt });
    expect(resolved?.endsAt).toBeGreaterThan(startsAt);
  });

  it.each([
    [401, 'tocsin send alertmanager'],
    [404, 'names no source'],
    [503, 'The event was not taken'],
  ])('says what a %i of the door means', async (code, told) => {
    status = code;
    const { ok, answer } = await send('disk', 'firing');
    expect(ok).toBe(false);
    expect(String(answer)).toContain(told);
  });

  it('says so when the door cannot be reached', async () => {
    // The address stays what it was: nothing else that listens on this machine may answer in its place.
    const url = double.host.baseUrl();
    double.host.baseUrl = () => url;
    await double.http.close();
    const { ok, answer } = await send('disk', 'firing');
    expect(ok).toBe(false);
    expect(String(answer)).toContain('failed:');
  });
});
