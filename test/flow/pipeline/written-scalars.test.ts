import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { written } from '../../load/written.ts';
import { auto } from '../files.ts';

/**
 * Each scalar stands without quotes in a trigger, an argv, the environment and a default; an alert brings its text as a label. The program
 * prints what it got, one line each.
 */
const runbook = (scalar: string, index: number) => `
title: ${scalar}
risk: none
on:
  - source: alertmanager
    match: { code: ${index % 2 === 0 ? scalar : `[other, ${scalar}]`} }
params:
  code: { type: string, allowDash: true, from: labels.code }
  standard: { type: string, allowDash: true, default: ${scalar} }
steps:
  - id: say
    exec:
      argv: [sh, -c, 'printf "%s\\n" "$@" "$V" "$T"', sh, ${scalar}, "\${{ params.code }}", "\${{ params.standard }}", "x\${{ params.code }}"]
      env: { V: ${scalar}, T: "\${{ params.standard }}" }
`;

const asked = `
title: Ask
risk: none
params:
  text: { type: string, allowDash: true, maxLength: 40 }
  count: { type: number, default: 1 }
steps:
  - id: say
    exec: [printf, "%s|%s", "\${{ params.text }}", "\${{ params.count }}"]
`;

let app: TestApp;
beforeAll(async () => {
  const books = written.map((scalar, index) => [`runbooks/s${index}.yaml`, runbook(scalar, index)]);
  app = await startTestApp({ 'policy.yaml': auto, 'runbooks/ask.yaml': asked, ...Object.fromEntries(books) });
});
afterAll(() => app.stop());

async function printed(run: { id: string }): Promise<string> {
  const ended = await app.ended(run.id);
  expect(ended.state).toBe('succeeded');
  return (ended.steps[0]?.output as { stdout: string } | undefined)?.stdout ?? 'nothing';
}

describe('from the label of an alert to the argv of a program', () => {
  test.each(written.map((scalar, index) => [scalar, index] as const))(
    '%s stays as it is written',
    async (scalar, index) => {
      const { alert } = await app.alert({ code: scalar }, { fingerprint: `f${index}` });
      const run = await app.until(async () => (await app.runs()).find(one => one.alert === alert));
      expect(run.runbook).toBe(`s${index}`);
      expect(await printed(run)).toBe(
        [scalar, scalar, scalar, `x${scalar}`, scalar, scalar].map(line => `${line}\n`).join(''),
      );
    },
  );
});

describe('what a person asks for', () => {
  const ask = (params: object) => app.call('POST', '/api/v1/runs', { body: { runbook: 'ask', params } });

  test.each(written)('the text %s stays as it is written', async text => {
    const answer = await ask({ text });
    expect(answer.status).toBe(202);
    expect(await printed(answer.body)).toBe(`${text}|1`);
  });

  test.each([
    ['12', '12'],
    ['-0.5', '-0.5'],
    ['1e3', '1000'],
    ['1.10', '1.1'],
  ])('the number %s is %s', async (count, shown) => {
    const answer = await ask({ text: 'a', count });
    expect(await printed(answer.body)).toBe(`a|${shown}`);
  });

  test.each([
    '',
    ' ',
    ' 5',
    '5 ',
    '012',
    '0x1F',
    '0b1',
    '+5',
    '.5',
    '1_000',
    '1,5',
    'Infinity',
    'NaN',
    '1e400',
    '12345678901234567890',
    'ten',
    true,
  ])('the number %j is refused, and says which numbers are', async count => {
    const answer = await ask({ text: 'a', count });
    expect([answer.status, answer.body.error.code]).toEqual([422, 'params-invalid']);
    expect(answer.body.error.fields.count).toBe('is not a number (allowed: digits such as 12, -3 or 0.5)');
  });

  test('a number of the body beyond 2^53 is refused as the text that it is', async () => {
    const answer = await fetch(`${app.app.url}/api/v1/runs`, {
      method: 'POST',
      headers: { authorization: 'Bearer token-of-alice', 'content-type': 'application/json' },
      body: '{"runbook": "ask", "params": {"text": 12345678901234567890, "count": 9007199254740993}}',
    });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      error: { fields: { count: expect.stringContaining('not a number') } },
    });
  });
});

describe('numbers of a query are digits alone', () => {
  test.each(['0x10', '1e2', '', ' 5', '5.0', '+5', '012', '-1', 'Infinity', '0'])('limit=%j', async limit => {
    const answer = await app.call('GET', `/api/v1/runs?limit=${encodeURIComponent(limit)}`);
    expect([limit, answer.status]).toEqual([limit, 400]);
  });

  test.each(['0x1', '1e1', '', ' 1'])('after=%j', async after => {
    expect((await app.call('GET', `/api/v1/journal?after=${encodeURIComponent(after)}`)).status).toBe(400);
  });

  test('and then they are taken', async () => {
    expect((await app.call('GET', '/api/v1/runs?limit=2')).body).toHaveLength(2);
  });
});
