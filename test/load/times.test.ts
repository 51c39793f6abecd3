import { expect, it } from 'vitest';
import { checkFiles } from '../../src/load/index.ts';
import approve from '../../src/steps/approve.ts';
import exec from '../../src/steps/exec.ts';
import verify from '../../src/steps/verify.ts';
import wait from '../../src/steps/wait.ts';
import { brief, makePlace } from './place.ts';

const steps = new Map([approve, exec, verify, wait].map(step => [step.id, step as never]));

/** In a file a bare number has no unit: whoever wrote 3600 meant an hour, and not the milliseconds that a program counts. */
it.each([
  ['{ id: a, wait: 3600 }', '3:24 steps[0].wait: 3600 has no unit; write 3600s or 60m'],
  ['{ id: a, wait: "3600" }', '3:24 steps[0].wait: 3600 has no unit; write 3600s or 60m'],
  [
    '{ id: a, approve: { ask: "?", by: sre, expires: 1800 } }',
    '3:57 steps[0].approve.expires: 1800 has no unit; write 1800s or 30m',
  ],
  ['{ id: a, verify: { exec: [b], within: 600 } }', '3:47 steps[0].verify.within: 600 has no unit; write 600s or 10m'],
  [
    '{ id: a, verify: { exec: [b], every: 5000, within: 10m } }',
    '3:46 steps[0].verify.every: 5000 has no unit; write 5000s or 5000m',
  ],
  ['{ id: a, exec: [b], timeout: 60 }', '3:38 steps[0].timeout: 60 has no unit; write 60s or 1m'],
  ['{ id: a, exec: [b], retry: { times: 2, wait: 60 } }', '3:54 steps[0].retry.wait: 60 has no unit; write 60s or 1m'],
])('%s', async (step, expected) => {
  const place = await makePlace({ 'runbooks/a.yaml': `title: A\nrisk: low\nsteps: [${step}]\n` });
  const problems = brief(await checkFiles({ ...place.parts, steps }), place.folder);
  await place.remove();
  expect(problems.map(text => text.replace('runbooks/a.yaml:', ''))).toEqual([expected]);
});

it('the same in policy.yaml and tocsin.yaml', async () => {
  const place = await makePlace({
    'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre, expires: 900 }]\n',
    'tocsin.yaml': 'people: { you: {} }\ngroups: { sre: [you] }\nrun: { timeout: 60 }\n',
  });
  const problems = brief(await checkFiles({ ...place.parts, steps }), place.folder);
  await place.remove();
  expect(problems).toEqual([
    expect.stringContaining('rules[0].expires: 900 has no unit; write 900s or 15m'),
    expect.stringContaining('run.timeout: 60 has no unit; write 60s or 1m'),
  ]);
});
