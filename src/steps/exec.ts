import { z } from 'zod';
import { argvInput, showArgv, variableName } from '../kernel/child/argv.ts';
import { judgeExit, nothingRan, okExit, programOutput, secretVariables } from '../kernel/child/result.ts';
import { stopSignal } from '../kernel/child/signals.ts';
import { farSides, unknownVariables } from '../kernel/far/far.ts';
import { visibleLine } from '../kernel/text.ts';
import { defineStep } from '../ports/step.ts';

const full = z.strictObject({
  argv: argvInput,
  cwd: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The folder to run in; the home folder of Tocsin's user when left out." }),
  env: z
    .record(variableName, z.string())
    .default({})
    .meta({ description: 'Variables added to a clean environment (PATH, HOME, LANG, TZ, TMPDIR).' }),
  secrets: z.record(variableName, z.string()).default({}).meta({
    description:
      'Variables by the names of secrets. A value reaches the environment of this program only, never the argv.',
  }),
  stdin: z.string().optional().meta({ description: 'What the program reads; nothing when left out.' }),
  okExit,
  stopSignal,
  isolate: z
    .boolean()
    .default(false)
    .meta({ description: 'Runs in a PID namespace of its own, in which nothing outlives the program.' }),
});
type Input = z.infer<typeof full>;

export default defineStep<Input, z.infer<typeof programOutput>>({
  id: 'exec',
  about:
    'Runs a program with the arguments that are listed, each an element of its own. No shell reads them, so a value can never become code. The environment is clean; parameters are not in it. Ends with the program: a daemon that it started on purpose lives on, but a time-out or a cancel ends everything that it started.',
  input: z.union([argvInput.transform(argv => full.parse({ argv })), full]),
  output: programOutput,
  risk: 'medium',
  idempotent: false,
  timeout: 'default',
  examples: [
    {
      title: 'A program and its arguments',
      input: ['echo', 'hello'],
      expect: { state: 'done', output: { exitCode: 0, stdout: 'hello\n', stderr: '', cut: 0 } },
    },
    {
      title: 'No shell: this is one argument',
      input: ['echo', '$(id); rm -rf /'],
      expect: { state: 'done', output: { exitCode: 0, stdout: '$(id); rm -rf /\n', stderr: '', cut: 0 } },
    },
    {
      title: 'An exit code that is fine',
      input: { argv: ['sh', '-c', 'exit 3'], okExit: [0, 3] },
      expect: { state: 'done', output: { exitCode: 3, stdout: '', stderr: '', cut: 0 } },
    },
    {
      title: 'Text to read',
      input: { argv: ['tr', 'a-z', 'A-Z'], stdin: 'hello' },
      expect: { state: 'done', output: { exitCode: 0, stdout: 'HELLO', stderr: '', cut: 0 } },
    },
    {
      title: 'A secret, by its name',
      input: { argv: ['sh', '-c', 'test -n "$TOKEN"'], secrets: { TOKEN: 'example' } },
      expect: { state: 'done' },
    },
    {
      title: 'It says why it failed',
      input: ['ls', '/no/such/folder'],
      expect: { state: 'failed', because: 'exit code 2: ' },
    },
    {
      title: 'A missing program',
      input: ['no-such-program'],
      expect: { state: 'failed', because: 'There is no program "no-such-program".' },
    },
    { title: 'A text is not an argv', input: 'df -h', expect: { refused: 'array' } },
    { title: 'Nor is nothing', input: [], expect: { refused: 'an argv needs at least the program' } },
  ],
  show,
  deed: ({ argv }) => ({ kind: 'command', argv }),
  far: ({ argv, env, secrets }) => farSides(argv, { ...env, ...unknownVariables(Object.keys(secrets)) }),
  async run(input, context) {
    if (context.dry) {
      context.say(`would run: ${show(input)}`);
      return { state: 'done', output: nothingRan, exitCode: 0 };
    }
    const secrets = await secretVariables(input.secrets, name => context.secret(name));
    const { argv, cwd, stdin, isolate, stopSignal: signal } = input;
    const ended = await context.spawn({
      argv,
      env: { ...input.env, ...secrets },
      isolate,
      stopSignal: signal,
      ...(cwd === undefined ? {} : { cwd }),
      ...(stdin === undefined ? {} : { stdin }),
    });
    return judgeExit(ended, input.okExit, argv);
  },
});

function show(input: Input): string {
  const parts = [
    showArgv(input.argv),
    input.cwd === undefined ? '' : `in ${showArgv([input.cwd])}`,
    ...Object.entries(input.env).map(([name, value]) => `${name}=${showArgv([value])}`),
    ...Object.entries(input.secrets).map(([name, secret]) => `${name}=<secret ${visibleLine(secret)}>`),
    input.stdin === undefined ? '' : `reads ${visibleLine(JSON.stringify(input.stdin))}`,
    input.stopSignal === 'TERM' ? '' : `stopped by ${input.stopSignal}`,
    input.isolate ? 'isolated' : '',
  ];
  return parts.filter(part => part !== '').join('  ');
}
