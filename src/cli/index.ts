import { type ErrorCode, explainError, isCode, messageOf, TocsinError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { type CliCommand, helpOf, parseInput } from './command.ts';
import { exitCode, type Terminal } from './terminal.ts';

/** Every command, loaded only when it is asked for: `tocsin check` needs no web server. */
const commands: Readonly<Record<string, () => Promise<CliCommand>>> = {
  start: async () => (await import('./start.ts')).start,
  check: async () => (await import('./check.ts')).check,
  doctor: async () => (await import('./doctor/doctor.ts')).doctor,
  test: async () => (await import('./test.ts')).test,
  run: async () => (await import('./run.ts')).run,
  gate: async () => (await import('./gate.ts')).gate,
  send: async () => (await import('./send.ts')).send,
  record: async () => (await import('./record.ts')).record,
  source: async () => (await import('./source/source.ts')).source,
  explain: async () => (await import('./explain.ts')).explain,
  list: async () => (await import('./acts/list.ts')).list,
  approve: async () => (await import('./acts/vote.ts')).approve,
  deny: async () => (await import('./acts/vote.ts')).deny,
  cancel: async () => (await import('./acts/stop.ts')).cancel,
  halt: async () => (await import('./acts/stop.ts')).halt,
  resume: async () => (await import('./acts/stop.ts')).resume,
  ...Object.fromEntries(
    ['ack', 'unack', 'silence', 'unsilence', 'close'].map(word => [word, () => loadAlertCommand(word)]),
  ),
  alert: async () => (await import('./acts/alert.ts')).alert,
  replay: async () => (await import('./replay.ts')).replay,
  audit: async () => (await import('./audit.ts')).audit,
  'migrate-store': async () => (await import('./migrate-store.ts')).migrateStore,
  init: async () => (await import('./init/init.ts')).init,
};

async function loadAlertCommand(word: string): Promise<CliCommand> {
  const command = (await import('./acts/alert.ts')).alertCommands[word];
  if (command === undefined) throw new Error(`${word} is nothing to do with an alert`);
  return command;
}

/** The errors that end with exit code 2: the command could not be carried out, so there is no result. */
const unusable: readonly ErrorCode[] = [
  'usage-invalid',
  'environment-invalid',
  'not-reachable',
  'file-missing',
  'file-unusable',
];

/** Runs one command line. Resolves to the exit code; errors are explained on standard error, never with a stack. */
export async function runCli(argv: readonly string[], terminal: Terminal, version: string): Promise<number> {
  try {
    return await dispatch(argv, terminal, version);
  } catch (error) {
    if (terminal.signal.aborted) return exitCode.interrupted;
    if (!(error instanceof TocsinError)) return reportDefect(error, terminal);
    terminal.err(explainError(error));
    return unusable.some(code => isCode(error, code)) ? exitCode.unusable : exitCode.failed;
  }
}

/** Reports an internal error in one line, with the stack when it is asked for. */
function reportDefect(error: unknown, terminal: Terminal): number {
  terminal.err(`tocsin failed inside: ${messageOf(error)}`);
  if (terminal.env['TOCSIN_LOG'] === 'debug' && error instanceof Error) terminal.err(error.stack ?? '');
  else terminal.err('This is a defect; TOCSIN_LOG=debug shows where.');
  return exitCode.failed;
}

async function dispatch(argv: readonly string[], terminal: Terminal, version: string): Promise<number> {
  const [word, ...rest] = argv;
  if (word === '--version' || word === '-v') {
    terminal.out(version);
    return exitCode.ok;
  }
  if (word === undefined || word === '--help' || word === '-h') {
    terminal.out(await generalHelp());
    return word === undefined ? exitCode.unusable : exitCode.ok;
  }
  const asked = word === 'help' ? (rest[0] ?? '--help') : word;
  if (asked === '--help') return dispatch(['--help'], terminal, version);
  const load = Object.hasOwn(commands, asked) ? commands[asked] : undefined;
  if (load === undefined) throw unknownWord(asked);
  const command = await load();
  const input = word === 'help' ? null : parseInput(command, rest);
  if (input !== null) return await command.run(input, terminal);
  terminal.out(helpOf(command));
  return exitCode.ok;
}

function unknownWord(word: string): TocsinError {
  const near = nearest(word, Object.keys(commands));
  return new TocsinError('usage-invalid', {
    message: `There is no command ${JSON.stringify(word.slice(0, 100))}.`,
    allowed: Object.keys(commands),
    ...(near !== null && { remedy: `Did you mean tocsin ${near}?` }),
  });
}

async function generalHelp(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map(load => load()));
  const width = Math.max(...all.map(command => command.name.length));
  return [
    'Tocsin: event-triggered runbooks with people in the loop where policy wants them.',
    '',
    'Usage: tocsin <command> [words] [--options]',
    '',
    'Commands:',
    ...all.map(command => `  ${command.name.padEnd(width)}  ${command.about}`),
    '',
    'tocsin <command> --help tells more. doctor, replay, audit, and all from run to alert talk to the process that runs.',
    '',
    'Environment:',
    '  TOCSIN_CONFIG  the configuration file (./tocsin.yaml)',
    '  TOCSIN_DATA    the folder of the database (./data)',
    '  TOCSIN_LISTEN  where to listen (127.0.0.1:8080)',
    '  TOCSIN_LOG     debug, info, warn or error (info)',
    '  TOCSIN_ROLE    all, intake, worker or chat (all); other roles than all need DATABASE_URL and REDIS_URL',
    '  TOCSIN_URL     which process the commands above talk to (where TOCSIN_LISTEN says)',
    '  TOCSIN_TOKEN   the token that they send, or the key in the link that start prints',
    '  DATABASE_URL   the PostgreSQL database to use instead of the one in the folder (none)',
    '  REDIS_URL      the Redis that carries wake-ups between several nodes; needs DATABASE_URL (none)',
    'Chat platforms are on where their tokens are: SLACK_BOT_TOKEN with SLACK_APP_TOKEN or SLACK_SIGNING_SECRET, DISCORD_TOKEN.',
    'docs/configuration.md has all of them.',
    '',
    'Exit codes: 0 done; 1 the answer is no (problems found, a run that did not succeed, a refusal);',
    '2 it could not be done (a wrong command line, a file that cannot be read, nothing to talk to).',
    'tocsin gate has its own; its help tells them.',
  ].join('\n');
}
