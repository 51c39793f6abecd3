import { afterEach, describe, expect, it } from 'vitest';
import script from '../../src/steps/script.ts';
import { startTestApp, type TestApp } from '../doubles/app.ts';

const show = (input: unknown) => script.show(script.input.parse(input));

describe('a script on the plan', () => {
  it('is shown line by line behind a gutter', () => {
    expect(show('set -u\necho "$PARAM_HOST"\n')).toBe('bash\n│ set -u\n│ echo "$PARAM_HOST"');
    expect(show({ run: 'print(1)', shell: 'python3', cwd: '/srv', secrets: { T: 'API' }, isolate: true })).toBe(
      'python3  in "/srv"  T=<secret API>  isolated\n│ print(1)',
    );
  });

  it('has no line that could pass for another step, and nothing that hides', () => {
    const shown = show('true\n\n2. harmless\r\n   echo \u202etxt.exe\u2028x\n│ mine');
    expect(shown.split('\n')).toEqual([
      'bash',
      '│ true',
      '│ ',
      '│ 2. harmless\\r',
      '│    echo \\u202etxt.exe\\u2028x',
      '│ │ mine',
    ]);
  });
});

describe('the plan that people approve', () => {
  let test: TestApp;
  afterEach(() => test.stop());

  it('keeps the lines of a script apart from what is said of the step', async () => {
    test = await startTestApp({
      'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre }]\n',
      'runbooks/fix.yaml': [
        'title: Fix it\nrisk: low\nsteps:',
        '  - id: look\n    exec: [df, -h]\n    if: run.id != ""',
        '  - id: clean\n    if: steps.look.exitCode == 0\n    script: |\n      set -u\n      rm -f /tmp/x\n    undo: { script: "touch /tmp/x\\n" }\n',
      ].join('\n'),
    });
    await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } });
    const post = await test.until(async () =>
      (await test.app.store.posts({ platform: 'console' })).find(one => one.key.startsWith('approval/')),
    );
    expect(post.card.blocks).toContainEqual({
      kind: 'code',
      text: [
        '1. look',
        '   df -h (only if run.id != "")',
        '2. clean',
        '   bash',
        '   │ set -u',
        '   │ rm -f /tmp/x',
        '   (only if steps.look.exitCode == 0)',
        '   undone by script: bash',
        '   │ touch /tmp/x',
      ].join('\n'),
    });
  });
});
