import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bounded, brokenBody, noAnswer, type Progress } from '../../../src/kernel/egress/answer.ts';
import { createEgress } from '../../../src/kernel/egress/egress.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';

const closed: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(closed.splice(0).map(close => close()));
});

const progress = (parts: Partial<Progress> = {}): Progress => ({
  url: new URL('http://api.example/path?secret'),
  signal: null,
  patience: 30_000,
  since: 0,
  ...parts,
});
/** That a fetch failed, for this reason. */
const because = (cause: unknown) => new TypeError('fetch failed', { cause });
/** The message of a request that got no answer. */
const told = (error: unknown) => (noAnswer(error, progress()) as Error).message;

describe('why there was no answer', () => {
  it('is what lies behind all that fetch says about it', () => {
    expect(told(because(new Error('socket hang up')))).toBe('api.example did not answer: socket hang up');
    expect(told(because(because(new Error('socket hang up'))))).toBe('api.example did not answer: socket hang up');
    const refusal = new TocsinError('egress-refused', { cause: new Error('what it was') });
    expect(noAnswer(because(refusal), progress())).toBe(refusal);
  });

  it('is looked for five causes deep, also in a chain that has no end', () => {
    const chain = (length: number): Error =>
      length === 0 ? new Error('0') : new Error(`${length}`, { cause: chain(length - 1) });
    expect(told(chain(5))).toBe('api.example did not answer: 0');
    expect(told(chain(6))).toBe('api.example did not answer: 1');
    const circle = new Error('round and round');
    circle.cause = circle;
    expect(told(circle)).toBe('api.example did not answer: round and round');
  });

  it('may be no error at all', () => {
    expect(told(because(null))).toBe('api.example did not answer: null');
    expect(told(because('a text'))).toBe('api.example did not answer: a text');
  });

  it('is the first of several, one for each address', async () => {
    const server: Server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise(resolve => server.close(resolve));
    const egress = createEgress({
      allow: [],
      private: ['inside.example'],
      lookup: async () => [1, 2].map(n => ({ address: `127.0.0.${n}`, family: 4 })),
    });
    closed.push(() => egress.close());
    await expect(egress.fetch(`http://inside.example:${port}/`)).rejects.toMatchObject({
      code: 'egress-failed',
      message: `inside.example:${port} did not answer: connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    expect(told(because(new AggregateError([], 'none was tried')))).toBe('api.example did not answer: none was tried');
  });
});

describe('a signal that ended it', () => {
  it('says for how long it was waited, where the time was over', () => {
    vi.spyOn(performance, 'now').mockReturnValue(12_000);
    const signal = AbortSignal.abort(new TocsinError('step-timeout'));
    const error = noAnswer(because(signal.reason), progress({ signal, since: 5000 }));
    expect(error).toMatchObject({ code: 'egress-failed', message: 'api.example sent no answer within 7s.' });
  });

  it.each([new TocsinError('egress-refused'), new Error('enough'), 'a text', new DOMException('', 'AbortError')])(
    'is passed on as it is, where it says anything else: %s',
    reason => {
      const signal = AbortSignal.abort(reason);
      expect(noAnswer(because(reason), progress({ signal }))).toBe(reason);
      expect(brokenBody(because(reason), progress({ signal }), { bytes: 1, pause: 1 })).toBe(reason);
    },
  );
});

/** As fetch gives it, which never checks that a status may have a body. */
const answerOf = (body: ReadableStream<Uint8Array> | null, status = 200) =>
  ({ status, statusText: 'said', headers: new Headers({ 'x-a': 'b' }), body }) as Response;
/** A body that hands these out one by one; what is no bytes breaks it. */
function bodyOf(...parts: (Uint8Array | Error)[]) {
  const cancelled: unknown[] = [];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const next = parts.shift();
        if (next === undefined) controller.close();
        else if (next instanceof Error) controller.error(next);
        else controller.enqueue(next);
      },
      cancel: reason => void cancelled.push(reason),
    },
    { highWaterMark: 0 },
  );
  return { body, cancelled };
}
const bytes = (length: number) => new Uint8Array(length).fill(120);

describe('a body', () => {
  it.each([204, 205, 304])('there is none with the status %i', async status => {
    const answer = bounded(answerOf(bodyOf(bytes(3)).body, status), 10, progress());
    expect([answer.status, answer.statusText, answer.headers.get('x-a')]).toEqual([status, 'said', 'b']);
    expect(answer.body).toBeNull();
  });

  it('may be missing with any other', async () => {
    const answer = bounded(answerOf(null), 10, progress());
    expect([answer.status, answer.body, await answer.text()]).toEqual([200, null, '']);
  });

  it('may be as long as its limit in all, and ends with the first byte more', async () => {
    expect(await bounded(answerOf(bodyOf(bytes(6), bytes(4)).body), 10, progress()).text()).toBe('x'.repeat(10));
    const long = bodyOf(bytes(6), bytes(5), bytes(1));
    await expect(bounded(answerOf(long.body), 10, progress()).text()).rejects.toMatchObject({
      code: 'response-too-large',
      allowed: 'at most 10 bytes',
    });
    // Nobody goes on reading what is refused.
    expect(long.cancelled).toHaveLength(1);
  });

  it('is given up with the reason of whoever reads it', async () => {
    const source = bodyOf(bytes(1), bytes(1));
    const reason = new Error('seen enough');
    await bounded(answerOf(source.body), 10, progress()).body?.cancel(reason);
    expect(source.cancelled).toEqual([reason]);
  });

  it('that was late says how long it had paused, and how far it had come', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(100_000);
    const stop = new AbortController();
    const source = bodyOf(bytes(1500), because(new Error('aborted')));
    const reader = bounded(answerOf(source.body), 2000, progress({ signal: stop.signal })).body?.getReader();
    now.mockReturnValue(120_000);
    await reader?.read();
    now.mockReturnValue(127_000);
    stop.abort(new TocsinError('step-timeout'));
    await expect(reader?.read()).rejects.toMatchObject({
      code: 'egress-failed',
      message: 'The body of api.example was not at its end when the time was over: it paused for 7s after 1,500 bytes.',
    });
  });

  it('that broke for a reason of ours says that reason', async () => {
    const refusal = new TocsinError('egress-refused');
    const read = bounded(answerOf(bodyOf(because(refusal)).body), 10, progress()).text();
    await expect(read).rejects.toBe(refusal);
  });
});
