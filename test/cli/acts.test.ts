import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { root } from './process.ts';
import { cli } from './terminal.ts';

let test: TestApp;
afterEach(() => test.stop());

const files = {
  'runbooks/restart.yaml': `title: Restart a service
risk: medium
params: { service: { type: string, pattern: "[a-z]+" } }
target: params.service
steps:
  - { id: restart, exec: [echo, "\${{ params.service }}"] }
  - { id: rest, wait: 1h }
`,
  'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre }\n',
};

const as = (who: keyof typeof tokens, ...words: string[]) =>
  cli(words, { env: { TOCSIN_URL: test.app.url, TOCSIN_TOKEN: tokens[who] ?? '' } });

/** A run of alice that waits for votes, with its approval. */
async function waiting() {
  const body = { runbook: 'restart', params: { service: 'api' }, reason: 'it hangs' };
  const asked = await test.call('POST', '/api/v1/runs', { body });
  expect(asked.status).toBe(202);
  const approval = await test.call('GET', `/api/v1/approvals/${asked.body.approval}`);
  return { run: asked.body.id as string, id: approval.body.id as string, plan: approval.body.planHash as string };
}

const stateOf = async (id: string) => (await test.call('GET', `/api/v1/approvals/${id}`)).body.state;

describe('approve', () => {
  it('shows the warnings of the card before it asks', async () => {
    const open = files['runbooks/restart.yaml'].replace(', pattern: "[a-z]+"', '');
    test = await startTestApp({ ...files, 'runbooks/restart.yaml': open });
    const body = { runbook: 'restart', params: { service: 'рау  x ' }, reason: null };
    const asked = await test.call('POST', '/api/v1/runs', { body });
    const { err } = await as('BOB', 'approve', asked.body.approval);
    expect(err).toContain('targets   1: рау  x \n');
    expect(err).toContain('  before you approve\n    ! The target: "рау" only looks like pay: the "р" is Cyrillic.\n');
    expect(err).toContain('    ! The target begins or ends with a blank, which cannot be seen.\n');
  });

  it('in a pipe needs the plan that was looked at, shows what it is, and counts for no other', async () => {
    test = await startTestApp(files);
    const { run, id, plan } = await waiting();
    const listed = await as('BOB', 'list', 'approvals');
    expect(listed.out).toMatch(new RegExp(`^${id}  risk medium  plan ${plan.slice(0, 10)}  1 of sre until 2\\S+  `));
    for (const words of [[], ['--yes'], ['--plan', plan]]) {
      const { code, err } = await as('BOB', 'approve', id, ...words);
      expect([code, err], words.join(' ')).toEqual([2, expect.stringContaining('usage-invalid')]);
    }
    const other = await as('BOB', 'approve', id, '--yes', '--plan', '0123456789');
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('plan-changed')]);
    expect(await stateOf(id)).toBe('open');
    const own = await as('ALICE', 'approve', id, '--yes', '--plan', plan);
    expect(own.code, own.err).toBe(1);
    expect(await stateOf(id)).toBe('open');

    const done = await as('BOB', 'approve', run, '--yes', '--plan', plan.slice(0, 10), '--reason', 'looked at it');
    expect([done.code, done.out], done.err).toEqual([0, expect.stringMatching(/: approved$/)]);
    for (const text of ['params    service="api"', 'targets   1: api', 'alice', 'it hangs', plan.slice(0, 10)])
      expect(done.err).toContain(text);
    // What people approve is what runs, and not what the runbook calls its steps.
    expect(done.err).toContain('  runs\n    1. restart\n       echo api\n    2. rest\n');
    expect(done.err).not.toContain('before you approve');
    const { body } = await test.call('GET', `/api/v1/approvals/${id}`);
    expect(body.votes).toMatchObject([{ person: 'bob', vote: 'approve', reason: 'looked at it' }]);
    const late = await as('BOB', 'approve', id, '--yes', '--plan', plan, '--json');
    expect([late.code, late.out]).toEqual([1, '']);
  });

  it('the API refuses a vote for another plan', async () => {
    test = await startTestApp(files);
    const { id, plan } = await waiting();
    const vote = (body: object) => test.call('POST', `/api/v1/approvals/${id}/votes`, { as: 'BOB', body });
    expect(await vote({ vote: 'approve', plan: 'a'.repeat(64) })).toMatchObject({
      status: 409,
      body: { error: { code: 'plan-changed' } },
    });
    expect((await vote({ vote: 'approve', plan: 'short' })).status).toBe(400);
    expect((await vote({ vote: 'approve', plan })).body.state).toBe('approved');
  });

  it('on a terminal shows the plan and asks; only its hash is a yes', async () => {
    test = await startTestApp(files);
    const { id, plan } = await waiting();
    const left = await onTerminal(['approve', id], 'yes\r');
    expect([left.code, left.text]).toEqual([1, expect.stringContaining('Not approved: nothing was sent.')]);
    expect(left.text).toContain('targets   1: api');
    expect(await stateOf(id)).toBe('open');
    const said = await onTerminal(['approve', id], `${plan.slice(0, 10)}\r`);
    expect([said.code, said.text]).toEqual([0, expect.stringContaining(': approved')]);
    expect(await stateOf(id)).toBe('approved');
  });
});

it('deny, cancel, halt and resume act, and say what came of it', async () => {
  test = await startTestApp(files);
  const first = await waiting();
  const denied = await as('BOB', 'deny', first.run, '--reason', 'not today', '--json');
  expect(JSON.parse(denied.out)).toMatchObject({ id: first.id, state: 'denied' });
  expect((await as('BOB', 'deny', first.id)).code).toBe(1);

  const second = await waiting();
  await as('BOB', 'approve', second.id, '--yes', '--plan', second.plan);
  const refused = await as('RITA', 'cancel', second.run);
  expect([refused.code, refused.out]).toEqual([1, '']);
  const cancelled = await as('ALICE', 'cancel', second.run, '--reason', 'the wrong one');
  expect([cancelled.code, cancelled.out], cancelled.err).toEqual([
    0,
    expect.stringMatching(/cancelled$|asked to stop/),
  ]);
  expect((await test.ended(second.run)).state).toBe('cancelled');
  expect((await as('ALICE', 'list', 'runs')).out).toContain(`${second.run}  cancelled`);

  const halted = await as('ALICE', 'halt', '--reason', 'something is wrong');
  expect([halted.code, halted.out]).toEqual([0, 'Halted by alice: something is wrong']);
  expect((await as('RITA', 'resume')).code).toBe(1);
  expect(await as('ALICE', 'resume')).toMatchObject({ code: 0, out: 'Not halted.' });
});

it('the short forms act on alerts as `alert` does, and list tells what there is', async () => {
  test = await startTestApp(files);
  const { alert } = await test.alert({ alertname: 'Other' });
  expect((await as('ALICE', 'list', 'alerts')).out).toMatch(new RegExp(`^${alert}  .*a test alert$`));
  const acked = await as('RITA', 'ack', alert, '--for', '2h', '--reason', 'mine');
  expect(acked.out).toContain('acknowledged by rita until');
  expect((await as('ALICE', 'list', 'alerts')).out).toContain('acknowledged by rita');
  expect((await as('ALICE', 'unack', alert)).code).toBe(0);
  expect((await as('ALICE', 'silence', alert)).err).toContain('silence needs --for');
  expect((await as('ALICE', 'silence', alert, '--for', '1d')).out).toContain(': silenced');
  expect((await as('ALICE', 'unsilence', alert)).code).toBe(0);
  expect((await as('ALICE', 'close', alert)).code).toBe(2);
  expect((await as('ALICE', 'close', alert, '--reason', 'gone')).out).toContain('closed by');
  const unknown = await as('ALICE', 'unack', alert, '--for', '1h');
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('has no option --for')]);
  expect((await as('ALICE', 'list')).out).toBe('restart  risk medium  Restart a service');
  expect((await as('ALICE', 'list', 'alerts')).err).toBe('No alert fires.');
  const wrong = await as('ALICE', 'list', 'aprovals');
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('Did you mean approvals?')]);
  expect(wrong.err.match(/Did you mean/g)).toHaveLength(1);
});

it('texts of others are one line of a list, and drive no terminal', async () => {
  test = await startTestApp(files);
  const annotations = { summary: '\x1b[2Jgone\nalt_0000000000  critical  not real \u202e' };
  const alerts = [
    {
      status: 'firing',
      fingerprint: '00ff',
      labels: { alertname: 'X' },
      annotations,
      startsAt: '2026-01-01T00:00:00Z',
      endsAt: '0001-01-01T00:00:00Z',
    },
  ];
  await test.call('POST', '/events/alertmanager', {
    as: null,
    headers: { authorization: 'Bearer alert-secret' },
    body: { version: '4', status: 'firing', receiver: 'x', groupKey: '{}', alerts },
  });
  const { out } = await as('ALICE', 'list', 'alerts');
  expect(out.split('\n')).toHaveLength(1);
  expect(out).not.toMatch(/[\x00-\x1f\u202e]/);
});

/** Runs the command on a terminal of its own, made by script(1), and types the line when it is asked. */
async function onTerminal(words: string[], line: string): Promise<{ code: number | null; text: string }> {
  const command = [join(root, 'node_modules/.bin/node'), join(root, 'bin/tocsin.js'), ...words].join(' ');
  const env = { PATH: process.env['PATH'], TOCSIN_URL: test.app.url, TOCSIN_TOKEN: tokens['BOB'], TERM: 'dumb' };
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  let typed = false;
  child.stdout.on('data', chunk => {
    text += chunk;
    if (typed || !text.includes('to leave it: ')) return;
    typed = true;
    child.stdin.write(line);
  });
  const [code] = await once(child, 'close');
  return { code, text };
}
