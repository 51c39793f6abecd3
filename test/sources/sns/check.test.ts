import { expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Finding } from '../../../src/ports/check.ts';
import source from '../../../src/sources/sns/index.ts';
import { topic } from '../../doubles/sns.ts';

const china = 'arn:aws-cn:sns:cn-north-1:123456789012:alarms';

/** What `tocsin doctor` finds, and the addresses that it asked. */
async function check(options: object, answer: () => Promise<Response>) {
  const asked: string[] = [];
  const tools = {
    clock: systemClock,
    fetch: async (input: Parameters<typeof fetch>[0]) => {
      asked.push(String(input));
      return await answer();
    },
    env: () => undefined,
    signal: AbortSignal.timeout(20_000),
    ...{ url: null, name: 'sns', channels: [], groups: [], accounts: {} },
  };
  const found: Finding[] = (await source.check?.(source.options.parse(options), tools)) ?? [];
  return { asked, found };
}

test('whether the host of each region can be reached, once for each', async () => {
  const topics = [topic, `${topic}2`, china];
  const { asked, found } = await check({ topics }, async () => new Response('', { status: 404 }));
  expect(asked).toEqual(['https://sns.eu-west-1.amazonaws.com/ping', 'https://sns.cn-north-1.amazonaws.com.cn/ping']);
  expect(found.map(({ state }) => state)).toEqual(['ok', 'ok']);
});

test('that nothing can be proven when it cannot, and that SHA-1 is taken', async () => {
  const { found } = await check({ topics: [topic], sha1: true }, () => Promise.reject(new Error('no route')));
  expect(found).toMatchObject([
    { state: 'bad', because: expect.stringContaining('no route') },
    { what: 'the signature of SNS', state: 'warning' },
  ]);
});
