import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { CheckTools, Finding } from '../../../src/ports/check.ts';
import source from '../../../src/sources/alertmanager/index.ts';
import { type AlertmanagerDouble, startAlertmanagerDouble } from '../../doubles/alertmanager.ts';

let double: AlertmanagerDouble;
beforeEach(async () => {
  double = await startAlertmanagerDouble(Date.now);
});
afterEach(() => double.close());

/** Every address is the double's, so that no test leaves this machine. */
async function check(options: object): Promise<Finding[]> {
  const tools: CheckTools = {
    clock: systemClock,
    fetch: (input, init) => fetch(double.url + new URL(String(input)).pathname, init),
    env: () => undefined,
    signal: AbortSignal.timeout(20_000),
    url: null,
    name: 'alertmanager',
    channels: [],
    groups: [],
    accounts: {},
  };
  return (await source.check?.(source.options.parse(options), tools)) ?? [];
}
const safe = { url: 'https://alertmanager.example' };

describe('what tocsin doctor says of an Alertmanager', () => {
  test('its release, when all is well', async () => {
    expect(await check(safe)).toEqual([{ what: 'the API of Alertmanager 0.25.0', state: 'ok' }]);
    expect(double.asked.every(path => path === '/api/v2/status')).toBe(true);
  });

  test('that nobody can ask it without url', async () => {
    expect(await check({})).toEqual([
      expect.objectContaining({
        what: 'the API of Alertmanager',
        state: 'warning',
        remedy: expect.stringContaining('url'),
      }),
    ]);
  });

  test('whether its silences can be read, where people may silence', async () => {
    const options = { ...safe, token: 'secret', silences: true };
    expect(await check(options)).toContainEqual({ what: 'the silences of Alertmanager', state: 'ok' });
    await double.close();
    expect(await check(options)).toContainEqual(
      expect.objectContaining({ what: 'the silences of Alertmanager', state: 'bad' }),
    );
  });

  test('that the way to it is not safe', async () => {
    const [way, api] = await check({ url: 'http://alertmanager.example', insecure: true });
    expect(way).toMatchObject({ state: 'warning', because: expect.stringContaining('insecure is set') });
    expect(api?.state).toBe('ok');
  });

  test('that its list proves nothing while it is young', async () => {
    double.since = Date.now();
    expect(await check(safe)).toEqual([
      expect.objectContaining({ state: 'warning', because: expect.stringContaining('started a moment ago') }),
    ]);
  });

  test('that it cannot be asked', async () => {
    await double.close();
    expect(await check(safe)).toEqual([
      expect.objectContaining({ state: 'bad', because: expect.stringContaining('cannot be asked at url') }),
    ]);
  });
});
