import { CloudEvent, type CloudEventV1, emitterFor, HTTP, httpTransport, type Message, Mode } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

/** The npm package `cloudevents` as the sender, at the real door. */

const sources = {
  events: {
    type: 'cloudevents',
    auth: { bearer: 'event-secret' },
    types: { 'com.acme.disk.full': 'firing', 'com.acme.disk.well': 'resolved' },
    map: { labels: { host: 'has(data.host) ? data.host : ""' } },
    origins: ['eventemitter.example.com'],
    rate: 100,
  },
  quiet: { type: 'cloudevents' },
  alertmanager: { token: 'alert-secret' },
};

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    'tocsin.yaml': basicConfig.replace(/sources:\n.*\n/, `sources: ${JSON.stringify(sources)}\n`),
    'policy.yaml': 'rules: [{ name: all, decide: notify }]\n',
  });
});
afterAll(() => app.stop());

interface Answer {
  accepted: { event: string; alert: string | null; duplicate: boolean }[];
  error?: { code: string; at?: string };
}

const authorization = 'Bearer event-secret';

async function emit(event: CloudEvent<unknown>, mode: Mode): Promise<Answer> {
  const send = emitterFor(httpTransport(`${app.app.url}/events/events`), { binding: HTTP, mode });
  const { body } = (await send(event, { headers: { authorization } })) as Message;
  return JSON.parse(String(body));
}
const ofDisk = (facts: Partial<CloudEventV1<unknown>> = {}) =>
  new CloudEvent<unknown>({
    type: 'com.acme.disk.full',
    source: '//acme.example/disks',
    subject: `disk ${Math.random()}`,
    ...facts,
  });
const stored = async ({ accepted }: Answer) => await app.app.store.alert(accepted[0]?.alert ?? '');

describe.each([Mode.STRUCTURED, Mode.BINARY])('the SDK, %s', mode => {
  it('fires and resolves an alert', async () => {
    const event = ofDisk({ severity: 'critical', number: 5, flag: true, data: { host: 'db-1' } });
    const fired = await emit(event, mode);
    expect(await stored(fired)).toMatchObject({
      state: 'firing',
      severity: 'critical',
      trusted: true,
      labels: { subject: event.subject, number: '5', flag: 'true', host: 'db-1' },
      startsAt: Date.parse(event.time ?? ''),
    });
    const well = event.cloneWith({
      id: `${event.id} well`,
      type: 'com.acme.disk.well',
      subject: event.subject as string,
    });
    const resolved = await emit(well, mode);
    expect(resolved.accepted[0]?.alert).toBe(fired.accepted[0]?.alert);
    expect(await stored(resolved)).toMatchObject({ state: 'resolved', end: { how: 'told' } });
  });

  it('is taken once, whichever way an event comes again', async () => {
    const event = ofDisk({ data: { host: 'db-1' } });
    const first = await emit(event, mode);
    const other = mode === Mode.BINARY ? Mode.STRUCTURED : Mode.BINARY;
    for (const again of [await emit(event, mode), await emit(event, other), await deliver([event])])
      expect(again.accepted).toEqual([{ ...first.accepted[0], duplicate: true }]);
    expect(await stored(first)).toMatchObject({ count: 1 });
  });

  it('sends bytes, and text of a type that says so', async () => {
    const bytes = ofDisk({ data: new Uint8Array([1, 2, 255]), datacontenttype: 'application/octet-stream' });
    expect((await emit(bytes, mode)).accepted).toHaveLength(1);
    expect((await emit(ofDisk({ data: 'für', datacontenttype: 'text/plain' }), mode)).accepted).toHaveLength(1);
  });

  it('sends letters of Latin-1 and a bare percent sign in attributes', async () => {
    const event = ofDisk({ subject: `zu 100% für ${Math.random()}`, data: {} });
    expect((await stored(await emit(event, mode)))?.labels['subject']).toBe(event.subject);
  });
});

/** The SDK reads batches, and has nothing that writes them: a batch is the list of its events. */
async function deliver(events: readonly CloudEvent<unknown>[]): Promise<Answer> {
  const answer = await fetch(`${app.app.url}/events/events`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
  });
  return (await answer.json()) as Answer;
}

describe('the door', () => {
  it('takes the new events of a batch and names those that came before', async () => {
    const [first, second, third] = [ofDisk(), ofDisk(), ofDisk()];
    const before = await deliver([first, second]);
    expect(before.accepted.map(one => one.duplicate)).toEqual([false, false]);
    const after = await deliver([third, second, third]);
    expect(after.accepted.map(one => one.duplicate)).toEqual([false, true, true]);
    expect(after.accepted[1]).toEqual({ ...before.accepted[1], duplicate: true });
    expect(await stored(after)).toMatchObject({ count: 1 });
  });

  it('says to a proven sender which attribute of which event is wrong', async () => {
    expect((await deliver([{ ...ofDisk(), specversion: '0.3' } as never])).error).toMatchObject({
      code: 'bad-body',
      at: '0.specversion',
    });
    // Text of the default type is sent unquoted, so it is not the JSON that the content type says.
    expect((await emit(ofDisk({ data: 'text' }), Mode.BINARY)).error?.code).toBe('bad-body');
  });

  const ask = (source: string, origin: string | null) =>
    fetch(`${app.app.url}/events/${source}`, {
      method: 'OPTIONS',
      headers: {
        ...(origin === null ? {} : { 'webhook-request-origin': origin }),
        'webhook-request-callback': 'http://127.0.0.1:9/never',
        'webhook-request-rate': '120',
      },
    });

  it('consents to a sender that is named', async () => {
    const answer = await ask('events', 'eventemitter.example.com');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(answer.headers.get('webhook-allowed-origin')).toBe('eventemitter.example.com');
    expect(answer.headers.get('webhook-allowed-rate')).toBe('100');
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('answers alike where another asks, nobody asks, no source is and none consents', async () => {
    const answers = await Promise.all([
      ask('events', 'other.example.com'),
      ask('events', null),
      ask('quiet', 'eventemitter.example.com'),
      ask('alertmanager', 'eventemitter.example.com'),
      ask('no-such-source', 'eventemitter.example.com'),
    ]);
    const shapes = await Promise.all(
      answers.map(async answer => {
        const headers = [...answer.headers].filter(([name]) => name !== 'date');
        return JSON.stringify([answer.status, headers, await answer.text()]);
      }),
    );
    expect(new Set(shapes).size).toBe(1);
    expect(answers[0]?.status).toBe(405);
    expect(answers[0]?.headers.get('allow')).toBe('POST');
    expect(shapes[0]).not.toContain('webhook-allowed');
    expect(shapes[0]).toContain('method-not-allowed');
  });
});
