import { afterEach, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { cli } from './terminal.ts';

let test: TestApp;
afterEach(() => test.stop());

const run = (words: string[], as: keyof typeof tokens = 'ALICE') =>
  cli(['alert', ...words], { env: { TOCSIN_URL: test.app.url, TOCSIN_TOKEN: tokens[as] ?? '' } });

it('acknowledges, silences and closes an alert from the command line, and takes that back', async () => {
  test = await startTestApp({});
  const { alert } = await test.alert({ alertname: 'Other' });
  const said = async (words: string[], as?: keyof typeof tokens) => {
    const { code, out, err } = await run(words, as);
    expect(code, err).toBe(0);
    return out;
  };
  const ack = await said(['ack', alert, '--for', '2h', '--reason', 'the vendor looks at it'], 'RITA');
  expect(ack).toMatch(/^alt_\w+ {2}a test alert: firing, acknowledged by rita until 2\d{3}-/);
  expect(await said(['unack', alert])).toBe(`${alert}  a test alert: firing`);
  expect(await said(['silence', alert, '--for', '1d'])).toMatch(/: silenced, silenced until 2\S+ by alice$/);
  expect(await said(['unsilence', alert])).toBe(`${alert}  a test alert: firing`);
  const closed = JSON.parse(await said(['close', alert, '--reason', 'the machine is gone', '--json']));
  expect(closed).toMatchObject({ id: alert, state: 'resolved', end: { how: 'closed' } });
  const kept = (await test.journal()).map(({ fact }) => fact).find(fact => fact.kind === 'alert.acknowledged');
  expect(kept).toMatchObject({ reason: 'the vendor looks at it' });
});

it('says what is missing, wrong or refused', async () => {
  test = await startTestApp({});
  const { alert } = await test.alert({ alertname: 'Other' });
  const failed = async (words: string[], as?: keyof typeof tokens) => {
    const { code, err } = await run(words, as);
    return [code, err] as const;
  };
  const says = (text: string) => expect.stringContaining(text);
  expect(await failed(['ack'])).toEqual([2, says('Something is missing')]);
  expect(await failed(['mute', alert])).toEqual([2, says('nothing called "mute"')]);
  expect(await failed(['silence', alert])).toEqual([2, says('silence needs --for')]);
  expect(await failed(['close', alert])).toEqual([2, says('close needs --reason')]);
  expect(await failed(['unack', alert, '--for', '1h'])).toEqual([2, says('unack takes no --for')]);
  expect(await failed(['ack', alert, '--for', '60'])).toEqual([1, says('60 has no unit')]);
  expect(await failed(['close', alert, '--reason', 'x'], 'RITA')).toEqual([1, says('for operators')]);
  expect(await failed(['ack', 'alt_00000'])).toEqual([1, says('There is no alert')]);
});
