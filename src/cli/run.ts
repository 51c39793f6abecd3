import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { approvalDoc, runDoc } from '../http/docs.ts';
import { keepColours, visible } from '../kernel/text.ts';
import { type Client, createClient } from './client.ts';
import { type CliCommand, optionOf, usage } from './command.ts';
import { plain } from './plain.ts';
import { exitCode, type Terminal } from './terminal.ts';

type RunDoc = z.infer<typeof runDoc>;

/** The poll interval while a run is followed, milliseconds. */
const pollEvery = 250;

const chunkLine = z.object({ seq: z.int(), step: z.string(), text: z.string() });

export const run: CliCommand = {
  name: 'run',
  about: 'Asks for a run of a runbook, shows its output, and ends as it ends.',
  usage: '<runbook> [name=value ...]',
  options: [
    { name: 'reason', about: 'Why, for the thread and the journal.', value: 'text' },
    { name: 'detach', about: 'Print the id of the run and do not wait for it.', value: null },
  ],
  words: { least: 1, most: 100 },
  examples: ['tocsin run disk-usage', 'tocsin run restart-with-approval service=api --reason "it hangs"'],
  async run(input, terminal) {
    const [runbook = '', ...assignments] = input.words;
    const reason = optionOf(input, 'reason');
    const json = { runbook, params: paramsOf(assignments), ...(reason !== null && { reason }) };
    const client = createClient(terminal);
    const asked = await client.json(runDoc, 'POST', '/api/v1/runs', { json });
    const { verdict, rule } = asked.decision;
    terminal.err(`${asked.id}  ${plain(asked.title)}: ${verdict} by "${plain(rule)}"  ${client.url}/runs/${asked.id}`);
    if (!input.options.has('detach')) return await follow(asked, client, terminal);
    terminal.out(asked.id);
    return exitCode.ok;
  },
};

function paramsOf(words: readonly string[]): Record<string, string> {
  const params = new Map<string, string>();
  for (const word of words) {
    const found = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(word);
    if (found === null) throw usage(run, `${JSON.stringify(word)} is not name=value.`);
    const [, name = '', value = ''] = found;
    if (params.has(name)) throw usage(run, `${name} is given twice.`);
    params.set(name, value);
  }
  return Object.fromEntries(params);
}

const ended = new Set(['succeeded', 'failed', 'ineffective', 'unconfirmed', 'cancelled', 'denied', 'expired']);

/** Prints news of the run until it has ended. Ctrl-C stops following; the run goes on. */
async function follow(first: RunDoc, client: Client, terminal: Terminal): Promise<number> {
  let doc = first;
  let seen = 0;
  let told = '';
  try {
    for (;;) {
      seen = await showOutput(doc.id, seen, client, terminal);
      told = await showState(doc, told, client, terminal);
      if (ended.has(doc.state)) break;
      await sleep(pollEvery, undefined, { signal: terminal.signal });
      doc = await client.json(runDoc, 'GET', `/api/v1/runs/${doc.id}`);
    }
  } catch (error) {
    if (!terminal.signal.aborted) throw error;
    terminal.err(
      `Not watching any more; ${doc.id} goes on. It is cancelled in its thread or by POST /api/v1/runs/${doc.id}/cancel.`,
    );
    return exitCode.failed;
  }
  return doc.state === 'succeeded' ? exitCode.ok : exitCode.failed;
}

async function showOutput(id: string, seen: number, client: Client, terminal: Terminal): Promise<number> {
  const headers = { accept: 'application/x-ndjson' };
  const text = await (await client.send('GET', `/api/v1/runs/${id}/output?after=${seen}`, { headers })).text();
  let last = seen;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const chunk = chunkLine.parse(JSON.parse(line));
    last = chunk.seq;
    const shown = terminal.interactive ? withColours(chunk.text) : plain(chunk.text);
    terminal.out(shown.replace(/\n$/, ''));
  }
  return last;
}

/** Keeps colours in output, and removes all other control sequences. */
function withColours(text: string): string {
  return keepColours(text)
    .split(/(\x1b\[[0-9;:]*m)/)
    .map((part, index) => (index % 2 === 1 ? part : visible(part)))
    .join('');
}

/** Prints one line for each change of the run: its state, its present step, and the people that it waits for. */
async function showState(doc: RunDoc, told: string, client: Client, terminal: Terminal): Promise<string> {
  const at = doc.steps.findIndex(
    step => step.state === 'running' || step.state === 'waiting' || step.state === 'unknown',
  );
  const step =
    at < 0 ? '' : `, step ${at + 1} of ${doc.steps.length}: ${doc.steps[at]?.title} (${doc.steps[at]?.state})`;
  const because = doc.because === null ? '' : `: ${doc.because}`;
  const line = plain(`${doc.state}${step}${because}`);
  if (line === told) return told;
  terminal.err(`-- ${line}`);
  if (doc.state === 'waiting' && doc.approval !== null) {
    const approval = await client.json(approvalDoc, 'GET', `/api/v1/approvals/${doc.approval}`);
    terminal.err(`   waits for ${approval.missing} of ${plain(approval.by.join(', '))} until ${approval.expiresAt}`);
  }
  return line;
}
