import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { parseDuration } from '../kernel/duration.ts';
import { explainError, TocsinError } from '../kernel/errors.ts';
import { type Client, createClient } from './client.ts';
import { type CliCommand, type CliInput, optionOf, usage } from './command.ts';
import { plain } from './plain.ts';
import type { Terminal } from './terminal.ts';

/** What of the answer is used; all of it is printed with --json. */
const gateDoc = z.looseObject({
  id: z.string(),
  verdict: z.enum(['allow', 'deny', 'pending']),
  because: z.string(),
  thread: z.string(),
});
type GateDoc = z.infer<typeof gateDoc>;

/** What a pipeline does with the answer; its own numbers, because "no" and "nobody said no" are not the same. */
const codes = { allow: 0, deny: 1, pending: 2, unreachable: 3 } as const;

const facts = ['service', 'image', 'sha', 'repository', 'environment', 'change', 'actor'] as const;

const about: Record<(typeof facts)[number], string> = {
  service: 'The service.',
  image: 'The image with its digest, name@sha256:….',
  sha: 'The full id of the commit.',
  repository: 'The repository.',
  environment: 'Where it goes.',
  change: 'The change or ticket.',
  actor: 'Who asked for it; they do not vote. It is sent only when you name it.',
};

/** Milliseconds. One request waits on the server for at most `hold`; one that is silent for longer than it may be is given up. */
const times = { hold: 45_000, spare: 20_000, firstRetry: 500, longestRetry: 15_000 };

export const gate: CliCommand = {
  name: 'gate',
  about: 'Asks a gate and waits: 0 allow, 1 deny, 2 still pending when the wait is over, 3 unreachable.',
  usage: '<name> [--image name@sha256:… --environment production ...]',
  options: [
    ...facts.map(name => ({ name, about: about[name], value: name === 'image' ? 'name@digest' : name })),
    {
      name: 'link',
      about: 'Where people can read more, label=url; may be repeated.',
      value: 'label=url',
      repeats: true,
    },
    {
      name: 'wait',
      about: 'For how long to wait for people, and to try to reach Tocsin: 30m. No wait when left out.',
      value: 'time',
    },
    {
      name: 'fail-open',
      about: 'Go on, with exit code 0, where Tocsin could not be asked at all; never on deny or pending.',
      value: null,
    },
    { name: 'json', about: 'Print the answer as JSON.', value: null },
  ],
  words: { least: 1, most: 1 },
  examples: [
    'tocsin gate deploy --service api --image registry.example/api@sha256:0f1e… --environment production --wait 30m',
    'tocsin gate deploy --sha "$GITHUB_SHA" --actor "$GITHUB_ACTOR" --link build="$BUILD_URL" --wait 1h --json',
  ],
  async run(input, terminal) {
    const body = { gate: input.words[0] ?? '', subject: subjectOf(input) };
    const end = Date.now() + waitOf(input);
    const asked = await ask(body, end, terminal);
    if (asked.gate === null) return unreachable(asked.unreachable, input, terminal);
    const { last, unheard } = await follow(asked.gate, end, terminal);
    terminal.out(input.options.has('json') ? JSON.stringify(last, null, 2) : plain(`${last.verdict}: ${last.because}`));
    if (unheard === null) return codes[last.verdict];
    terminal.err(plain(`It was asked, and no answer came: ${unheard.message}`));
    return codes.unreachable;
  },
};

function subjectOf(input: CliInput): Record<string, unknown> {
  const named = facts.flatMap(name => {
    const value = optionOf(input, name);
    return value === null ? [] : [[name, value]];
  });
  const links = (input.options.get('link') ?? []).map(text => {
    const at = text.indexOf('=');
    if (at <= 0 || at === text.length - 1) throw usage(gate, `--link ${JSON.stringify(text)} is not label=url.`);
    return { label: text.slice(0, at), url: text.slice(at + 1) };
  });
  return { ...Object.fromEntries(named), ...(links.length > 0 && { links }) };
}

function waitOf(input: CliInput): number {
  const text = optionOf(input, 'wait') ?? '0s';
  const wait = parseDuration(text);
  if (wait === null) throw usage(gate, `--wait ${JSON.stringify(text)} is not a time such as 30m.`);
  return wait;
}

/** What one request brought: `gate` is null where nobody answered, and `unreachable` says why. */
type Answer = { gate: GateDoc; unreachable: null } | { gate: null; unreachable: TocsinError };

/** Asks until there is an answer or the time is over. The key makes a request whose answer was lost the same question. */
async function ask(json: unknown, end: number, terminal: Terminal): Promise<Answer> {
  const headers = { 'idempotency-key': randomUUID() };
  for (let tries = 0; ; tries++) {
    const answer = await attempt('POST', '/gates', { json, headers }, times.spare, terminal);
    if (answer.gate !== null || Date.now() >= end) return answer;
    await pause(tries, end, answer.unreachable, terminal);
  }
}

/** Shows the thread at once, then waits for people. `unheard` is why nothing more was heard of a question that was asked; null when it was. */
async function follow(
  asked: GateDoc,
  end: number,
  terminal: Terminal,
): Promise<{ last: GateDoc; unheard: TocsinError | null }> {
  terminal.err(plain(`${asked.id}  ${asked.verdict}  ${asked.thread}`));
  let last = asked;
  for (let tries = 0; last.verdict === 'pending' && Date.now() < end; ) {
    const hold = Math.max(1, Math.ceil(Math.min(times.hold, end - Date.now()) / 1000));
    const path = `/gates/${encodeURIComponent(asked.id)}?wait=${hold}s`;
    const answer = await attempt('GET', path, {}, hold * 1000 + times.spare, terminal);
    if (answer.gate !== null) {
      last = answer.gate;
      tries = 0;
      continue;
    }
    if (Date.now() >= end) return { last, unheard: answer.unreachable };
    await pause(tries++, end, answer.unreachable, terminal);
    if (Date.now() >= end) return { last, unheard: answer.unreachable };
  }
  return { last, unheard: null };
}

/** One request, given up after so many milliseconds. Rejects for an answer that says no to the question itself, such as an unknown gate. */
async function attempt(
  method: string,
  path: string,
  options: Parameters<Client['send']>[2],
  longest: number,
  terminal: Terminal,
): Promise<Answer> {
  const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout(longest)]);
  try {
    const response = await createClient({ ...terminal, signal }).send(method, path, options);
    return { gate: gateDoc.parse(await response.json()), unreachable: null };
  } catch (error) {
    terminal.signal.throwIfAborted();
    if (!(error instanceof TocsinError)) return lost(new TocsinError('not-reachable', { cause: error }));
    if (error.code !== 'not-reachable' && error.status < 500) throw error;
    return lost(error);
  }
}

function lost(unreachable: TocsinError): Answer {
  return { gate: null, unreachable };
}

/** Back-off with jitter, so that all pipelines do not come back in the same moment. */
async function pause(tries: number, end: number, why: TocsinError, terminal: Terminal): Promise<void> {
  if (tries === 0) terminal.err(plain(`Not reachable, trying again: ${why.message}`));
  const longest = Math.min(times.longestRetry, times.firstRetry * 2 ** tries);
  const wait = Math.min(longest * (0.5 + Math.random() / 2), Math.max(0, end - Date.now()));
  await sleep(wait, undefined, { signal: terminal.signal });
}

/** The only place that lets through without an answer, and it says so. */
function unreachable(why: TocsinError, input: CliInput, terminal: Terminal): number {
  terminal.err(explainError(why));
  if (!input.options.has('fail-open')) return codes.unreachable;
  terminal.err('GATE NOT ASKED: Tocsin could not be reached, and --fail-open lets this through without any decision.');
  return codes.allow;
}
