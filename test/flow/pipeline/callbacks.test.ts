import { describe, expect, test } from 'vitest';
import { createCallbacks } from '../../../src/flow/pipeline/callbacks.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';

const delivery = { headers: {}, body: Buffer.from('{}'), at: 0 };
const hour = 3_600_000;

/** Callbacks whose requests are answered one after the other, each with what the address asks for. */
function open(answer: (address: string) => Promise<Response> | Response) {
  const asked: string[] = [];
  let now = 0;
  const callbacks = createCallbacks({
    clock: { monotonic: () => now },
    fetchPublic: async (input, init) => {
      if (init?.redirect !== 'error' || init.signal == null) throw new Error('it may redirect, or take for ever');
      asked.push(String(input));
      return await answer(String(input));
    },
  });
  return {
    asked,
    wait: (time: number) => {
      now += time;
    },
    key: async (address: string) => (await callbacks.withKey(delivery, address)).key,
    askedBack: async (address: string) => (await callbacks.askedBack(delivery, address)).askedBack,
  };
}

describe('a key', () => {
  test('is kept for a day, and then fetched again', async () => {
    const { key, asked, wait } = open(() => new Response('the key'));
    expect(await key('https://a')).toBe('the key');
    wait(24 * hour - 1);
    expect(await key('https://a')).toBe('the key');
    expect(asked).toHaveLength(1);
    wait(1);
    await key('https://a');
    expect(asked).toHaveLength(2);
  });

  test('that is not there is asked for again after a minute', async () => {
    const { key, asked, wait } = open(() => new Response('', { status: 404 }));
    expect([await key('https://a'), await key('https://a')]).toEqual([null, null]);
    expect(asked).toHaveLength(1);
    wait(60_000);
    await key('https://a');
    expect(asked).toHaveLength(2);
  });

  test('that several deliveries need is fetched once', async () => {
    const { key, asked } = open(() => new Response('the key'));
    expect(await Promise.all([key('https://a'), key('https://a'), key('https://a')])).toEqual(Array(3).fill('the key'));
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['a server that fails', () => new Response('', { status: 502 })],
    ['a server that is busy', () => new Response('', { status: 429 })],
    ['a proxy that asks for a login', () => new Response('', { status: 407 })],
    ['no connection', () => Promise.reject(new TocsinError('egress-failed'))],
    ['a private address', () => Promise.reject(new TocsinError('egress-refused'))],
  ])('is unreachable with %s, which is not kept', async (_what, answer) => {
    let next: () => Promise<Response> | Response = answer;
    const { key } = open(() => next());
    await expect(key('https://a')).rejects.toMatchObject({ code: 'key-unreachable' });
    next = () => new Response('the key');
    expect(await key('https://a')).toBe('the key');
  });

  test('that is much too long is none', async () => {
    const { key } = open(() => Promise.reject(new TocsinError('response-too-large')));
    expect(await key('https://a')).toBeNull();
  });

  test('stays while strangers name a thousand addresses without one', async () => {
    const { key, asked } = open(address => new Response('the key', { status: address === 'https://real' ? 200 : 404 }));
    await key('https://real');
    for (let count = 0; count < 1000; count++) await key(`https://made-up-${count}`);
    asked.splice(0);
    expect(await key('https://real')).toBe('the key');
    expect(asked).toEqual([]);
  });

  test('is one of 64 that are kept, and of eight that are fetched at one time', async () => {
    const open64 = open(() => new Response('the key'));
    for (let count = 0; count < 65; count++) await open64.key(`https://${count}`);
    open64.asked.splice(0);
    await open64.key('https://64');
    await open64.key('https://0');
    expect(open64.asked).toEqual(['https://0']);

    let answer = (_: Response): void => {};
    const slow = new Promise<Response>(resolve => {
      answer = resolve;
    });
    const held = open(async () => (await slow).clone());
    const waiting = Array.from({ length: 8 }, (_, count) => held.key(`https://${count}`));
    await expect(held.key('https://8')).rejects.toMatchObject({ code: 'overloaded' });
    answer(new Response('the key'));
    expect(await Promise.all(waiting)).toEqual(Array(8).fill('the key'));
  });
});

describe('a request that a sender wants', () => {
  test('went well, was refused, or got no answer', async () => {
    expect(await open(() => new Response('<ok/>')).askedBack('https://a')).toEqual({ ok: true });
    expect(await open(() => new Response('', { status: 403 })).askedBack('https://a')).toEqual({
      ok: false,
      because: 'it answered 403',
    });
    const silent = open(() => Promise.reject(new TocsinError('egress-failed', { message: 'a did not answer' })));
    expect(await silent.askedBack('https://a')).toEqual({ ok: false, because: 'a did not answer' });
  });

  test('is made each time', async () => {
    const { askedBack, asked } = open(() => new Response('<ok/>'));
    await askedBack('https://a');
    await askedBack('https://a');
    expect(asked).toHaveLength(2);
  });
});
