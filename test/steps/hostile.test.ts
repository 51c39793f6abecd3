import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import exec from '../../src/steps/exec.ts';
import script from '../../src/steps/script.ts';
import { makeStepContext, sampleRun } from '../doubles/step-context.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-hostile-'));
const trap = join(folder, 'PWNED');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => expect(readdirSync(folder)).toEqual([]));

/** Every text of the payload that an attacker chose, with its target moved into the test's own folder. */
function hostileTexts(file: string): [string, string][] {
  const body = JSON.parse(readFileSync(new URL(`../fixtures/hostile/${file}`, import.meta.url), 'utf8'));
  const { labels, annotations } = body.alerts[0];
  return Object.entries<string>({ ...labels, ...annotations }).map(([name, text]) => [
    name,
    text.replaceAll('/tmp/PWNED', trap),
  ]);
}
const texts = ['shell-injection.json', 'template-injection.json', 'bidi-and-homoglyph.json'].flatMap(hostileTexts);
// What a parameter named like this could do to a program that believes its environment.
texts.push(['LD_PRELOAD', `${trap}.so`], ['BASH_ENV', trap], ['function', `() { :; }; touch ${trap}`]);
const possible = texts.filter(([, text]) => !text.includes('\0'));
const impossible = texts.filter(([, text]) => text.includes('\0'));

const asBytes =
  'import os,sys; sys.stdout.write(os.fsencode(sys.argv[1] if len(sys.argv) > 1 else os.environ["PARAM_VALUE"]).hex())';
const hex = (text: string) => Buffer.from(text).toString('hex');

describe('a hostile value', () => {
  it.each(possible)('%s reaches argv byte for byte', async (_, text) => {
    const { context } = await makeStepContext();
    const result = await exec.run(exec.input.parse(['python3', '-c', asBytes, text]), context);
    expect(result).toMatchObject({ state: 'done', output: { stdout: hex(text) } });
  });

  it.each(possible)('%s reaches PARAM_ byte for byte, in python', async (_, text) => {
    const { context } = await makeStepContext({ run: sampleRun({ params: { value: text } }) });
    const result = await script.run(script.input.parse({ run: asBytes, shell: 'python3' }), context);
    expect(result).toMatchObject({ state: 'done', output: { stdout: hex(text) } });
  });

  it.each(possible)('%s stays data in bash and sh, quoted', async (_, text) => {
    for (const shell of ['bash', 'sh']) {
      const { context } = await makeStepContext({ run: sampleRun({ params: { value: text } }) });
      const run = 'printf %s "$PARAM_VALUE" | od -An -v -tx1 | tr -d " \\n"; for word in $PARAM_VALUE; do :; done';
      const result = await script.run(script.input.parse({ run, shell }), context);
      expect(result).toMatchObject({ state: 'done', output: { stdout: hex(text) } });
    }
  });

  it.each(impossible)('%s with a NUL is refused before anything starts', async (_, text) => {
    const { context } = await makeStepContext({ run: sampleRun({ params: { value: text } }) });
    await expect(exec.run(exec.input.parse(['touch', trap, text]), context)).rejects.toMatchObject({
      code: 'argv-invalid',
    });
    await expect(script.run(script.input.parse(`touch ${trap}`), context)).rejects.toMatchObject({
      code: 'argv-invalid',
    });
    expect(existsSync(trap)).toBe(false);
  });

  it.each(texts)('%s is shown on one line, with nothing hidden', (_, text) => {
    const shown = exec.show(exec.input.parse(['echo', text, 'end']));
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\u00a0]/u);
    expect(shown.endsWith(' end')).toBe(true);
    // What is shown says exactly what is passed: elements are bare words or JSON texts.
    const element = shown.slice('echo '.length, -' end'.length);
    const read = element.startsWith('"')
      ? JSON.parse(
          element.replace(/\\u\{([0-9a-f]+)\}/g, (_match, code) => String.fromCodePoint(Number.parseInt(code, 16))),
        )
      : element;
    expect(read).toBe(text);
  });

  it('as the name of a parameter is the name of a harmless variable', async () => {
    const params = { 'max-age': 1, 'x y=z;': 'v', list: ['a'], none: null, path: '/evil' };
    const { context } = await makeStepContext({ run: sampleRun({ params }) });
    const result = await script.run(
      script.input.parse('env | grep -E "^(PARAM_|PATH=/evil)" | LC_ALL=C sort'),
      context,
    );
    expect(result).toMatchObject({
      output: { stdout: 'PARAM_LIST=["a"]\nPARAM_MAX_AGE=1\nPARAM_NONE=\nPARAM_PATH=/evil\nPARAM_X_Y_Z_=v\n' },
    });
  });

  it('of a name that would cover another is refused', async () => {
    const { context } = await makeStepContext({ run: sampleRun({ params: { 'a-b': 1, a_b: 2 } }) });
    await expect(script.run(script.input.parse('true'), context)).rejects.toMatchObject({ code: 'params-invalid' });
  });
});

describe('a secret', () => {
  const canary = 'canary-7f3a9c1e5b';
  const secrets = { token: canary };

  it('is in the environment of the program and nowhere else', async () => {
    const { context, shown } = await makeStepContext({ secrets });
    // The program looks at all command lines of the machine while it runs, and says whether it has the value.
    const code = `
import os, glob
value = os.environ['TOKEN']
lines = []
for name in glob.glob('/proc/[0-9]*/cmdline'):
    try: lines.append(open(name, 'rb').read())
    except OSError: pass
print(len(value), sum(value.encode() in line for line in lines))`;
    const result = await script.run(
      script.input.parse({ run: code, shell: 'python3', secrets: { TOKEN: 'token' } }),
      context,
    );
    expect(result).toMatchObject({ state: 'done', output: { stdout: `${canary.length} 0\n` } });
    expect(await shown()).toContain(`${canary.length} 0`);
  });

  it.each([
    ['raw', 'echo "$TOKEN"; echo "$TOKEN" >&2'],
    ['base64', 'echo -n "$TOKEN" | base64; echo -n "x$TOKEN" | base64 >&2'],
    ['hex', 'echo -n "$TOKEN" | od -An -v -tx1 | tr -d " \\n"'],
    ['a trace of the shell', 'set -x; test -n "$TOKEN"'],
    ['byte by byte', 'for ((i = 0; i < ${#TOKEN}; i++)); do printf %s "${TOKEN:i:1}"; sleep 0.01; done; echo'],
    ['an error message', 'ls "/no/$TOKEN"'],
    ['a failure', 'echo "$TOKEN" >&2; exit 4'],
  ])('printed as %s is seen in no result and no output', async (_, run) => {
    const { context, shown } = await makeStepContext({ secrets });
    const result = await script.run(script.input.parse({ run, secrets: { TOKEN: 'token' } }), context);
    const forms = [canary, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64').slice(0, 20)];
    for (const sink of [JSON.stringify(result), await shown()]) {
      expect(sink).toContain('[redacted]');
      for (const form of forms) expect(sink).not.toContain(form);
    }
  });

  it('is shown by its name', () => {
    expect(exec.show(exec.input.parse({ argv: ['curl'], secrets: { TOKEN: 'token' } }))).toBe(
      'curl  TOKEN=<secret token>',
    );
    expect(script.show(script.input.parse({ run: 'x', secrets: { TOKEN: 'token' } }))).toContain(
      'TOKEN=<secret token>',
    );
  });

  it('that the runbook does not name is not to be had', async () => {
    const { context } = await makeStepContext({ secrets });
    await expect(
      exec.run(exec.input.parse({ argv: ['true'], secrets: { A: 'other' } }), context),
    ).rejects.toMatchObject({
      code: 'params-invalid',
    });
  });

  it.each(['TOCSIN_STEP', 'PARAM_HOST', 'A=B', '1A', ''])('cannot take the name %j', name => {
    expect(exec.input.safeParse({ argv: ['true'], secrets: { [name]: 'token' } }).success).toBe(false);
    expect(exec.input.safeParse({ argv: ['true'], env: { [name]: 'x' } }).success).toBe(false);
  });
});

describe('code', () => {
  it.each([
    ['bash', '-x; echo'],
    ['sh', '+e'],
  ])('%s that begins with %s is code, not an option', async (shell, run) => {
    const { context } = await makeStepContext();
    expect(await script.run(script.input.parse({ run, shell }), context)).toMatchObject({
      state: 'failed',
      exitCode: 127,
    });
  });

  it('that is too long for one argument is refused with what to do', () => {
    expect(script.input.safeParse('#'.repeat(131_069)).success).toBe(true);
    expect(JSON.stringify(script.input.safeParse('#'.repeat(131_070)).error?.issues)).toContain('run that with exec');
  });

  it('of the longest length runs', async () => {
    const { context } = await makeStepContext();
    expect(await script.run(script.input.parse('#'.repeat(131_069)), context)).toMatchObject({ state: 'done' });
  });

  it('stops at the first failure in bash and sh, and in a pipe of bash', async () => {
    for (const [shell, run] of [
      ['bash', 'false | true; echo on'],
      ['sh', 'false; echo on'],
    ]) {
      const { context } = await makeStepContext();
      expect(await script.run(script.input.parse({ run, shell }), context)).toMatchObject({
        state: 'failed',
        exitCode: 1,
      });
    }
  });

  it('runs in each interpreter that is here', async () => {
    for (const [shell, run] of [
      ['node', 'console.log(process.env.PARAM_COUNT * 2)'],
      ['perl', 'print $ENV{PARAM_COUNT} * 2'],
    ]) {
      const { context } = await makeStepContext();
      const result = await script.run(script.input.parse({ run, shell }), context).catch(error => error);
      if (result.code === 'program-missing') continue;
      expect(result.output.stdout.trim()).toBe('6');
    }
  });
});
