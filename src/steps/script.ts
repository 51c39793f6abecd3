import { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import { longestArgument, variableName } from '../kernel/child/argv.ts';
import { judgeExit, nothingRan, okExit, programOutput, secretVariables } from '../kernel/child/result.ts';
import { stopSignal } from '../kernel/child/signals.ts';
import { TocsinError } from '../kernel/errors.ts';
import { farSides, unknownVariables } from '../kernel/far/far.ts';
import { visible, visibleLine } from '../kernel/text.ts';
import { defineStep } from '../ports/step.ts';

/** The argv for code by interpreter, with the code as one element. Shells stop at the first failing command, also in a pipe if they can. */
const interpreters = {
  bash: code => ['bash', '--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', guarded(code), 'tocsin'],
  sh: code => ['sh', '-e', '-c', guarded(code), 'tocsin'],
  zsh: code => ['zsh', '-f', '-e', '-o', 'pipefail', '-c', guarded(code), 'tocsin'],
  python3: code => ['python3', '-c', code],
  node: code => ['node', '-e', guarded(code)],
  perl: code => ['perl', '-e', code],
  ruby: code => ['ruby', '-e', code],
} as const satisfies Record<string, (code: string) => string[]>;

/** Code that begins with a dash or a plus would be taken for an option, so it gets a new line before it. */
function guarded(code: string): string {
  return /^[-+]/.test(code) ? `\n${code}` : code;
}

const code = z
  .string()
  .min(1, 'a script needs code')
  .refine(
    text => Buffer.byteLength(text) < longestArgument - 1,
    'a script is at most 128 KiB; put longer code in a file and run that with exec',
  )
  .meta({
    description: 'The code. ${{ }} is not allowed in it: a parameter is the environment variable PARAM_<NAME>.',
  });

const full = z.strictObject({
  run: code,
  shell: z
    .enum(Object.keys(interpreters) as [keyof typeof interpreters, ...(keyof typeof interpreters)[]])
    .default('bash')
    .meta({ description: 'The interpreter. Shells run with -e: they stop at the first command that fails.' }),
  okExit,
  cwd: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The folder to run in; the home folder of Tocsin's user when left out." }),
  secrets: z
    .record(variableName, z.string())
    .default({})
    .meta({ description: 'Environment variables by the names of secrets.' }),
  stopSignal,
  isolate: z
    .boolean()
    .default(false)
    .meta({ description: 'Runs in a PID namespace of its own, in which nothing outlives the script.' }),
});
type Input = z.infer<typeof full>;

export default defineStep<Input, z.infer<typeof programOutput>>({
  id: 'script',
  about:
    'Runs code with bash or another interpreter. Parameters of the runbook are environment variables: `host` is PARAM_HOST, `max-age` is PARAM_MAX_AGE; text as it is, anything else as JSON, nothing as an empty text. Values are never put into the code; in a shell write "$PARAM_HOST" with the quotes.',
  input: z.union([code.transform(run => full.parse({ run })), full]),
  output: programOutput,
  risk: 'medium',
  idempotent: false,
  timeout: 'default',
  literal: ['run'],
  examples: [
    {
      title: 'One line of bash',
      input: 'echo $((6 * 7))',
      expect: { state: 'done', output: { exitCode: 0, stdout: '42\n', stderr: '', cut: 0 } },
    },
    {
      title: 'A parameter, which stays data',
      input: 'printf "%s" "$PARAM_HOST"',
      expect: { state: 'done', output: { exitCode: 0, stdout: 'web-1; $(id)', stderr: '', cut: 0 } },
    },
    {
      title: 'Another interpreter',
      input: { run: 'import os; print(os.environ["PARAM_COUNT"])', shell: 'python3' },
      expect: { state: 'done', output: { exitCode: 0, stdout: '3\n', stderr: '', cut: 0 } },
    },
    {
      title: 'It stops at the first failure',
      input: 'false | cat\necho never',
      expect: { state: 'failed', because: 'exit code 1' },
    },
    {
      title: 'A secret in a variable',
      input: { run: 'test -n "$TOKEN"', secrets: { TOKEN: 'example' } },
      expect: { state: 'done' },
    },
    { title: 'An unknown shell', input: { run: 'dir', shell: 'cmd' }, expect: { refused: 'Invalid option' } },
    { title: 'No code', input: '', expect: { refused: 'a script needs code' } },
  ],
  show,
  deed: ({ shell, run }) => ({ kind: 'script', shell, text: run }),
  far: (input, run) =>
    farSides(interpreters[input.shell](input.run), {
      ...unknownVariables(Object.keys(input.secrets)),
      ...paramVariables(run.params),
    }),
  async run(input, context) {
    const params = paramVariables(context.run.params);
    if (context.dry) {
      context.say(`would run: ${show(input)}`);
      return { state: 'done', output: nothingRan, exitCode: 0 };
    }
    const secrets = await secretVariables(input.secrets, name => context.secret(name));
    const argv = interpreters[input.shell](input.run);
    const ended = await context.spawn({
      argv,
      env: { ...secrets, ...params },
      isolate: input.isolate,
      stopSignal: input.stopSignal,
      ...(input.cwd === undefined ? {} : { cwd: input.cwd }),
    });
    return judgeExit(ended, input.okExit, argv);
  },
});

/** The code as written, each line behind a gutter, so that no line of it can imitate ours. */
function show(input: Input): string {
  const head = [
    input.shell,
    input.cwd === undefined ? '' : `in ${visibleLine(JSON.stringify(input.cwd))}`,
    ...Object.entries(input.secrets).map(([name, secret]) => `${name}=<secret ${visibleLine(secret)}>`),
    input.stopSignal === 'TERM' ? '' : `stopped by ${input.stopSignal}`,
    input.isolate ? 'isolated' : '',
  ];
  const lines = visible(input.run.replace(/\n+$/, '')).split('\n');
  return [head.filter(part => part !== '').join('  '), ...lines.map(line => `│ ${line}`)].join('\n');
}

/** The variable PARAM_<NAME> for each parameter. Throws `params-invalid` when two parameters get the same variable. */
function paramVariables(params: Readonly<Record<string, Json>>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    const variable = `PARAM_${name.toUpperCase().replace(/[^A-Z0-9_]/g, '_')}`;
    if (variable in env) {
      throw new TocsinError('params-invalid', {
        message: `Two parameters become the variable ${variable}.`,
        given: name,
        remedy: 'Rename one of them.',
      });
    }
    env[variable] = typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
  }
  return env;
}
