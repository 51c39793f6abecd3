import { describe, expect, test } from 'vitest';
import { runHeadline, targetsText } from '../../../../src/flow/thread/cards/headline.ts';
import { tellStep } from '../../../../src/flow/thread/cards/telling.ts';
import type { Deed } from '../../../../src/ports/deed.ts';
import type { StepOutline } from '../../../../src/ports/runbook.ts';
import { sampleRun } from '../../../contracts/samples.ts';

const step = (deed: Deed | null, more: Partial<StepOutline> = {}): StepOutline => ({
  id: 's',
  title: 'already approved',
  type: deed?.kind ?? 'custom',
  shows: '',
  deed,
  ...more,
});
const exec = (...argv: string[]) => step({ kind: 'command', argv });
const script = (text: string) => step({ kind: 'script', shell: 'bash', text });
const quiet = step({ kind: 'quiet' });
const whole = { known: true, step: null };
const tell = (...argv: string[]) => tellStep(exec(...argv)).text;

describe('the headline of a run', () => {
  test('says the risk, what really runs, and on what', () => {
    const run = sampleRun({ risk: 'high', title: 'Tidy up a little', targets: ['db-1'], params: {} });
    expect(runHeadline(run, [quiet, exec('/usr/bin/dropdb', 'production'), quiet], whole)).toBe(
      'HIGH · dropdb production · db-1',
    );
  });

  test('counts the targets, by the name of the parameter that lists them', () => {
    const hosts = Array.from({ length: 40 }, (_, index) => `web-${index}`);
    const run = sampleRun({ risk: 'high', targets: hosts, params: { hosts } });
    expect(runHeadline(run, [exec('reboot')], whole)).toBe('HIGH · reboot · 40 hosts');
    expect(targetsText({ targets: hosts, params: { host: 'x' } })).toBe('40 targets');
    expect(targetsText({ targets: [], params: {} })).toBe('no target named');
    expect(targetsText({ targets: ['a', 'b'], params: {} })).toBe('a, b');
  });

  test('names the gravest of several commands, wherever it stands, and counts the others', () => {
    const run = sampleRun({ risk: 'medium', targets: ['db-1'] });
    const steps = [exec('df', '-h'), exec('systemctl', 'restart', 'app'), exec('rm', '-rf', '/srv'), exec('ls')];
    expect(runHeadline(run, steps, whole)).toBe('MEDIUM · rm -rf /srv and 3 more · db-1');
    expect(runHeadline(run, steps.slice(0, 2), whole)).toBe('MEDIUM · systemctl restart app and 1 more · db-1');
  });

  test('says in words what is no command', () => {
    const run = sampleRun({ risk: 'low', targets: ['a'] });
    const of = (one: StepOutline) => runHeadline(run, [one], whole);
    const url = 'https://api.example/v1/db?token=x';
    expect(of(step({ kind: 'request', method: 'DELETE', url }))).toBe(
      'LOW · sends DELETE to https://api.example/v1/db · a',
    );
    expect(of(step({ kind: 'request', method: 'GET', url }))).toBe('LOW · reads https://api.example/v1/db · a');
    expect(of(step({ kind: 'call', runbook: 'wipe-all' }))).toBe('LOW · the runbook wipe-all · a');
    expect(of(quiet)).toBe('LOW · nothing but waiting and telling · a');
    expect(of(step(null, { type: 'kubernetes', shows: 'delete pod shop-1' }))).toBe(
      'LOW · kubernetes delete pod shop-1 · a',
    );
    expect(runHeadline(run, [], { known: false, step: null })).toBe('LOW · code of the runbook disk-full · a');
    expect(of(step(null, { id: 'snapshot', type: 'none' }))).toBe('LOW · a plan that cannot be read · a');
  });

  test('of a step that asks says what comes after it', () => {
    const run = sampleRun({ risk: 'high', targets: ['db-1'] });
    expect(runHeadline(run, [exec('dropdb', 'production')], { known: true, step: 'sure' })).toBe(
      'HIGH · goes on with dropdb production · db-1',
    );
    expect(runHeadline(run, [], { known: true, step: 'sure' })).toBe('HIGH · goes on with its end · db-1');
  });

  test('names the host of ssh where the targets do not', () => {
    const run = sampleRun({ risk: 'high', targets: ['web-1'] });
    const there = [exec('ssh', '-o', 'BatchMode=yes', 'root@db-1', '--', 'sudo', 'reboot')];
    expect(runHeadline(run, there, whole)).toBe('HIGH · reboot by ssh on db-1 · web-1');
    expect(runHeadline({ ...run, targets: ['db-1'] }, there, whole)).toBe('HIGH · reboot · db-1');
    expect(runHeadline({ ...run, targets: [] }, there, whole)).toBe('HIGH · reboot by ssh on db-1');
  });
});

describe('a command in few words', () => {
  test('is the program that really runs, without what only starts it', () => {
    expect(tell('sudo', '-u', 'postgres', 'dropdb', 'production')).toBe('dropdb production');
    expect(tell('env', 'A=b', 'timeout', '-k', '5', '60', 'nice', '-n', '10', 'reboot')).toBe('reboot');
    expect(tell('ssh', 'db-1', 'rm -rf /srv')).toBe('rm -rf /srv');
    expect(tell('bash', '-c', '# tidy\ndf -h\nrm -rf /srv\n')).toBe('rm -rf /srv (bash, 2 lines)');
    expect(tell('ssh', 'db-1')).toBe('ssh db-1');
    expect(tell('env')).toBe('env');
  });

  test('is the gravest line of a script', () => {
    expect(tellStep(script('set -eu\n# rm is not here\ndf -h /var\nrm -rf "$PARAM_DIR"\nls')).text).toBe(
      'rm -rf "$PARAM_DIR" (bash, 4 lines)',
    );
    const loop = 'echo a; until [ -e /go ]; do sleep 1; done; if true; then systemctl restart app; fi';
    expect(tellStep(script(loop)).text).toBe('systemctl restart app (bash, 5 lines)');
  });

  test.each([
    [['df', '-h'], 1],
    [['systemctl', 'status', 'app'], 1],
    [['systemctl', 'restart', 'app'], 2],
    [['kubectl', 'get', 'pods'], 1],
    [['kubectl', 'delete', 'pod', 'a'], 3],
    [['psql', '-c', 'drop table users'], 3],
    [['find', '/srv', '-delete'], 3],
    [['rsync', '-a', '--delete', 'a', 'b'], 2],
    [['some-tool'], 2],
  ] as const)('%j weighs %i', (argv, weight) => {
    expect(tellStep(exec(...argv)).weight).toBe(argv[0] === 'rsync' ? 3 : weight);
  });

  test('shows a grave word that stands behind the cut', () => {
    const argv = ['tool', ...Array.from({ length: 40 }, (_, index) => `--option-${index}`), '--delete', '/srv'];
    expect(tell(...argv)).toMatch(/^tool --option-0 .* … --delete \/srv$/);
    expect(tell(...argv).length).toBeLessThan(130);
  });

  test('of 3,000 characters is short', () => {
    expect(tell('echo', 'x'.repeat(3000)).length).toBeLessThan(80);
    expect(tell('x'.repeat(3000)).length).toBeLessThan(80);
  });

  test('says what is computed later as that', () => {
    expect(tell('dropdb', '${{ steps.before.stdout }}')).toBe('dropdb ‹later›');
  });
});

describe('what a parameter says', () => {
  test('stands in quotation marks that it cannot close, never as a sentence of ours', () => {
    expect(tell('logger', 'fine” · already approved by alice')).toBe("logger “fine' · already approved by alice”");
    const run = sampleRun({ risk: 'high', targets: ['db-1 — already approved'] });
    expect(runHeadline(run, [exec('reboot')], whole)).toBe('HIGH · reboot · “db-1 — already approved”');
  });

  test('is written out where it is invisible, turns around or looks alike', () => {
    expect(tell('reboot', 'web\u202e1')).toBe('reboot “web\\u202e1”');
    expect(tell('reboot', 'w\u0435b-1')).toBe('reboot “w\\u{435}b-1”');
    expect(tell('echo', '')).toBe('echo “”');
  });
});
