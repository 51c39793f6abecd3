import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { TocsinError } from '../../src/kernel/errors.ts';
import { createWorld, rawRequest, type World } from './setup.ts';

let world: World;
afterEach(() => world.close());

const json = { 'content-type': 'application/json' };

function post(source: string, body: RequestInit['body'], headers: Record<string, string> = json): Promise<Response> {
  return fetch(`${world.url}/events/${source}`, { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
}

/** True once so many connections are open. */
async function holds(count: number): Promise<boolean> {
  const sockets = await new Promise<number>(resolve =>
    world.app.server.getConnections((_error, open) => resolve(open)),
  );
  return sockets >= count;
}

/** What is answered first to a request whose body never comes. */
function firstLine(port: number, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(head));
    socket.once('data', chunk => {
      socket.destroy();
      resolve(String(chunk).split('\r\n')[0] ?? '');
    });
    socket.once('error', reject);
  });
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}

describe('POST /events/{source}', () => {
  test('hands the exact bytes and the headers to the intake, and answers what was accepted', async () => {
    world = await createWorld();
    const body = '{ "a" : 1,\n "b": "ü" }';
    const response = await post('alertmanager', body, {
      'Content-Type': 'application/json; charset=utf-8',
      'X-Sig': 'v1=aa',
    });
    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({ accepted: [{ event: 'evt_1', alert: 'alt_1', duplicate: false }] });
    expect(world.received).toHaveLength(1);
    const delivery = world.received[0]?.delivery;
    expect(delivery?.body.toString('utf8')).toBe(body);
    expect(delivery?.headers['x-sig']).toBe('v1=aa');
  });

  test('tells what became of it: of a stranger only why it proved nothing, and nothing of an unknown source', async () => {
    world = await createWorld();
    const body = '{"alerts":1}';
    expect((await post('alertmanager', body)).status).toBe(202);
    expect((await post('nobody', body)).status).toBe(401);
    expect((await post('large', body, { ...json, authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await post('large', body, { ...json, authorization: 'Bearer wrong', 'x-signature': 'a' })).status).toBe(
      401,
    );
    world.receive = async () => {
      throw new TocsinError('bad-body', { at: 'alerts.3.secret-key-of-sender', allowed: 'a list' });
    };
    expect((await post('fields', body)).status).toBe(422);
    const stranger = { code: 'bad-signature', at: null, because: 'another token' };
    expect(
      world.delivered.map(({ source, proven, bytes, address, outcome }) => [source, proven, bytes, address, outcome]),
    ).toEqual([
      ['large', false, null, '127.0.0.1', { what: 'refused', ...stranger }],
      ['large', false, body.length, '127.0.0.1', { what: 'refused', ...stranger }],
      [
        'fields',
        false,
        body.length,
        '127.0.0.1',
        { what: 'refused', code: 'bad-body', at: null, because: 'The request body does not parse.' },
      ],
    ]);
  });

  test('a wrong signature and an unknown source are answered alike, so that nobody finds out which sources exist', async () => {
    world = await createWorld();
    world.receive = async () => {
      throw new TocsinError('bad-signature', { given: 'the secret thing' });
    };
    const [wrong, unknown] = await Promise.all([post('alertmanager', '{}'), post('no-such-source', '{}')]);
    expect(wrong.status).toBe(401);
    expect(unknown.status).toBe(401);
    expect(await unknown.text()).toBe(await wrong.text());
    const shape = (response: Response) => [...response.headers].filter(([name]) => name !== 'date');
    expect(shape(unknown)).toEqual(shape(wrong));
    expect(world.received.map(one => one.source)).toEqual(['alertmanager']);
    expect(world.logged.map(one => (one.facts as { code: string }).code).sort()).toEqual([
      'bad-signature',
      'not-found',
    ]);
  });

  test('refuses other content types and encodings with 415 and says what is taken', async () => {
    world = await createWorld();
    const type = await post('alertmanager', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(type.status).toBe(415);
    expect(await type.json()).toMatchObject({ error: { code: 'wrong-content-type', allowed: ['application/json'] } });
    const malformed = await post('alertmanager', '{}', { 'content-type': 'json' });
    expect(await malformed.json()).toMatchObject({
      error: { code: 'wrong-content-type', allowed: ['application/json'] },
    });
    const zipped = await post('alertmanager', gzipSync('{}'), { ...json, 'content-encoding': 'gzip' });
    expect(zipped.status).toBe(415);
    const none = await rawRequest(
      world.port,
      'POST /events/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    expect(none).toMatch(/^HTTP\/1\.1 415 /);
    const plain = await post('sns', '{}', { 'content-type': 'text/plain; charset=UTF-8' });
    expect(plain.status).toBe(202);
    expect(world.received).toHaveLength(1);
  });

  test('a source that takes any type and unpacks bodies gets them as they were sent', async () => {
    world = await createWorld();
    const body = gzipSync('{}');
    expect((await post('any', body, { 'content-type': 'a/b', 'content-encoding': 'GZIP' })).status).toBe(202);
    expect((await post('any', '{}', { 'content-type': 'none' })).status).toBe(202);
    const other = await post('any', body, { 'content-encoding': 'br' });
    expect(other.status).toBe(415);
    expect(await other.json()).toMatchObject({ error: { allowed: ['gzip'] } });
    expect(world.received[0]?.delivery.body).toEqual(body);
    expect(world.received).toHaveLength(2);
  });

  test('refuses a body over the limit of the source, declared or not, and the connection still works', async () => {
    world = await createWorld();
    const declared = await post('small', 'x'.repeat(101));
    expect(declared.status).toBe(413);
    expect(await codeOf(declared)).toBe('body-too-large');
    const chunked = await post('small', new Blob(['x'.repeat(60), 'y'.repeat(60)]).stream());
    expect(chunked.status).toBe(413);
    expect((await post('small', `"${'x'.repeat(98)}"`)).status).toBe(202);
    expect((await post('alertmanager', 'x'.repeat(1024 * 1024 + 1))).status).toBe(413);
    expect((await post('alertmanager', 'x'.repeat(1024 * 1024))).status).toBe(202);
    expect(world.received.map(one => one.source)).toEqual(['small', 'alertmanager']);
  });

  test('takes a large body only from a sender that its headers prove, and names the limit', async () => {
    world = await createWorld();
    const body = 'x'.repeat(1024 * 1024 + 1);
    const as = (authorization: string) => ({ ...json, authorization });
    expect((await post('large', body, as('Bearer right'))).status).toBe(202);
    const chunked = new Blob([body, body]).stream();
    expect((await post('large', chunked, as('Bearer right'))).status).toBe(202);
    expect(world.received.map(one => one.delivery.body.toString('latin1'))).toEqual([body, body + body]);
    expect((await post('large', 'x'.repeat(4 * 1024 * 1024 + 1), as('Bearer right'))).status).toBe(413);
    // The source has no secret, or its proof is in the body.
    expect((await post('large', body, as('None'))).status).toBe(413);
    expect((await post('large', body)).status).toBe(413);
    expect(world.received).toHaveLength(2);
  });

  test('answers a sender with another token before it sends its body', async () => {
    world = await createWorld();
    for (const source of ['large', 'no-such-source']) {
      const head = `POST /events/${source} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer guessed\r\nContent-Length: 30000000\r\n\r\n`;
      expect(await firstLine(world.port, head)).toMatch(/^HTTP\/1\.1 401 /);
    }
    expect(world.received).toHaveLength(0);
  });

  test('a request with a signature waits for its body everywhere, so that sources cannot be told apart', async () => {
    world = await createWorld();
    for (const source of ['large', 'no-such-source']) {
      const signed = { ...json, authorization: 'Bearer guessed', 'x-signature': 'v1=aa' };
      const refused = await post(source, 'x'.repeat(1024 * 1024), signed);
      expect(refused.status).toBe(401);
      expect((await post(source, 'x'.repeat(1024 * 1024 + 1), signed)).status).toBe(413);
    }
    expect(world.received).toHaveLength(0);
  });

  test('an endless body loses its connection', async () => {
    world = await createWorld();
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    const response = await post('small', endless).catch((error: Error) => error);
    if (response instanceof Response) {
      expect(response.status).toBe(413);
      await response.text();
    }
    expect(sent).toBeLessThan(200);
    expect(world.received).toHaveLength(0);
  });

  test('says nothing of the body in a refusal', async () => {
    world = await createWorld();
    world.receive = async () => {
      throw new TocsinError('bad-body', {
        message: 'sesame is wrong',
        given: 'sesame',
        at: 'alerts.sesame',
        allowed: 'not sesame',
      });
    };
    const response = await post('alertmanager', '{"sesame":1}');
    expect(response.status).toBe(422);
    const text = await response.text();
    expect(text).not.toContain('sesame');
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'bad-body' } });
    world.receive = async () => {
      throw new TocsinError('bad-body', { at: 'line 3, column 7' });
    };
    expect(await (await post('alertmanager', '{')).json()).toMatchObject({ error: { at: 'line 3, column 7' } });
  });

  test('names to a proven sender what the source documents, and never a key or a value of its body', async () => {
    world = await createWorld();
    const places: [string, string | undefined][] = [
      ['alerts.3.labels', 'alerts.3.labels'],
      ['alerts.3.sesame', 'alerts.3'],
      ['alerts.<b>', 'alerts'],
      [
        'alerts.3.labels.labels.labels.labels.labels.labels.labels',
        'alerts.3.labels.labels.labels.labels.labels.labels',
      ],
      ['constructor.labels', undefined],
      ['sesame', undefined],
      ['__proto__.alerts', undefined],
      ['alerts.1234567890', 'alerts'],
      ['line 3, column 7', 'line 3, column 7'],
      ['line 3, column 7 of sesame', undefined],
      ['the document', 'the document'],
      ['map.state', 'map.state'],
      ['map.sesame', 'map'],
    ];
    for (const [at, shown] of places) {
      world.receive = async () => {
        throw Object.assign(new TocsinError('bad-body', { at, message: 'sesame', given: 'sesame' }), { proven: true });
      };
      const { error } = (await (await post('fields', '{}')).json()) as { error: { at?: string } };
      expect([at, error.at]).toEqual([at, shown]);
    }
    expect(world.refused.map(({ at }) => at ?? undefined)).toEqual(places.map(([, shown]) => shown));
    expect(JSON.stringify(world.refused)).not.toContain('sesame');
    // Not the sender's fault, so that nothing of its source is wrong.
    world.receive = async () => {
      throw Object.assign(new TocsinError('overloaded'), { proven: true });
    };
    expect((await post('fields', '{}')).status).toBe(503);
    expect(world.refused).toHaveLength(places.length);
  });

  test('answers whatever is not the fault of the sender with 503 and Retry-After, without a stack', async () => {
    world = await createWorld();
    const causes = [
      new Error('boom at /secret/path.ts'),
      new TocsinError('store-failed'),
      new TocsinError('driver-invalid'),
      new TocsinError('guard-failed'),
    ];
    for (const cause of causes) {
      world.receive = async () => {
        throw cause;
      };
      const response = await post('alertmanager', '{}');
      expect(response.status).toBe(503);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      const text = await response.text();
      expect(text).not.toMatch(/boom|secret|\.ts/);
    }
    expect(world.logged.filter(one => one.level === 'error')).toHaveLength(1);
  });

  test('is closed while the process stops', async () => {
    world = await createWorld();
    world.draining = true;
    const response = await post('alertmanager', '{}');
    expect(response.status).toBe(503);
    expect(await codeOf(response)).toBe('draining');
    expect(world.received).toHaveLength(0);
  });

  test('takes only as many events at one time as its limit, and takes more when they are done', async () => {
    world = await createWorld({ door: { events: 3, bytes: 1024 * 1024 } });
    const gate = Promise.withResolvers<void>();
    world.receive = async () => {
      await gate.promise;
      return [];
    };
    const held = [post('alertmanager', '{}'), post('alertmanager', '{}'), post('alertmanager', '{}')];
    while (world.received.length < 3) await new Promise(resolve => setImmediate(resolve));
    const refused = await post('alertmanager', '{}');
    expect(refused.status).toBe(503);
    expect(await codeOf(refused)).toBe('overloaded');
    gate.resolve();
    expect((await Promise.all(held)).map(response => response.status)).toEqual([202, 202, 202]);
    expect((await post('alertmanager', '{}')).status).toBe(202);
  });

  test('holds at most its limit of bytes at one time', async () => {
    world = await createWorld({ door: { events: 100, bytes: 1000 } });
    expect((await post('alertmanager', 'x'.repeat(1001))).status).toBe(503);
    expect((await post('alertmanager', 'x'.repeat(1000))).status).toBe(202);
    const chunked = (size: number) => post('alertmanager', new Blob(['x'.repeat(size)]).stream());
    expect((await chunked(1001)).status).toBe(503);
    expect((await chunked(1000)).status).toBe(202);
  });

  test('a sender that promises much and has sent little keeps no other out', async () => {
    world = await createWorld({ door: { events: 100, bytes: 1000 } });
    const head = 'POST /events/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const slow = [`${head}Content-Length: 900\r\n\r\n{`, `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`].map(
      text => {
        const socket = connect(world.port, '127.0.0.1', () => socket.write(text));
        return socket;
      },
    );
    while (!(await holds(2))) await new Promise(resolve => setImmediate(resolve));
    expect((await post('alertmanager', 'x'.repeat(900))).status).toBe(202);
    for (const socket of slow) socket.destroy();
  });

  test('a sender that stops in the middle of its body stores nothing', async () => {
    world = await createWorld();
    const head =
      'POST /events/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"half":';
    await rawRequest(world.port, head, { end: true });
    expect((await post('alertmanager', '{}')).status).toBe(202);
    expect(world.received).toHaveLength(1);
  });

  test('counts what it refuses, by code, and does not make labels of names that strangers choose', async () => {
    world = await createWorld();
    await post('nobody-knows-1', '{}');
    await post('nobody-knows-2', '{}');
    await post('alertmanager', '{}', { 'content-type': 'text/html' });
    const metrics = await (await fetch(`${world.url}/metrics`)).text();
    expect(metrics).toContain('tocsin_events_refused_total{source="unknown",code="not-found"} 2');
    expect(metrics).toContain('tocsin_events_refused_total{source="alertmanager",code="wrong-content-type"} 1');
    expect(metrics).not.toContain('nobody-knows');
  });

  test('writes one line a second for a sender that is refused all day', async () => {
    world = await createWorld();
    let now = 0;
    world.parts.clock = { ...world.parts.clock, monotonic: () => now };
    for (let i = 0; i < 5; i++) await post('nobody', '{}');
    expect(world.logged).toHaveLength(1);
    now = 1500;
    await post('nobody', '{}');
    expect(world.logged.map(one => (one.facts as { more: number }).more)).toEqual([0, 4]);
  });

  test('refuses other methods and deeper paths', async () => {
    world = await createWorld();
    expect((await fetch(`${world.url}/events/alertmanager`)).status).toBe(404);
    expect((await post('alertmanager/x', '{}')).status).toBe(404);
    expect((await post(encodeURIComponent('../api'), '{}')).status).toBe(401);
    expect(world.received).toHaveLength(0);
  });
});
