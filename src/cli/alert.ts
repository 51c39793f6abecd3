import type { z } from 'zod';
import { alertDoc } from '../http/docs.ts';
import { type Client, createClient } from './client.ts';
import { type CliCommand, type CliInput, optionOf, usage } from './command.ts';
import { plain } from './plain.ts';
import { exitCode } from './terminal.ts';

/** What is asked of the API, and which options have to or may be given. */
interface Doing {
  method: 'POST' | 'DELETE';
  path: string;
  takes: Readonly<Partial<Record<'for' | 'reason', 'required' | 'optional'>>>;
}

const doings: Readonly<Record<string, Doing>> = {
  ack: { method: 'POST', path: 'acknowledge', takes: { for: 'optional', reason: 'optional' } },
  unack: { method: 'DELETE', path: 'acknowledge', takes: {} },
  silence: { method: 'POST', path: 'silence', takes: { for: 'required', reason: 'optional' } },
  unsilence: { method: 'DELETE', path: 'silence', takes: {} },
  close: { method: 'POST', path: 'close', takes: { reason: 'required' } },
};

export const alert: CliCommand = {
  name: 'alert',
  about: 'Acknowledges, silences or closes an alert, or takes that back.',
  usage: 'ack | unack | silence | unsilence | close <id>',
  options: [
    { name: 'for', about: 'For how long: 30m, 2h, 1d. Required for silence.', value: 'duration' },
    { name: 'reason', about: 'Why, for the thread and the journal. Required for close.', value: 'text' },
    { name: 'json', about: 'Print the alert afterwards as JSON.', value: null },
  ],
  words: { least: 2, most: 2 },
  examples: [
    'tocsin alert ack alt_4f1c9a --for 2h --reason "waiting for the vendor"',
    'tocsin alert silence alt_4f1c9a --for 1d',
    'tocsin alert close alt_4f1c9a --reason "the machine is gone"',
  ],
  async run(input, terminal) {
    const after = await change(input, createClient(terminal));
    terminal.out(input.options.has('json') ? JSON.stringify(after, null, 2) : plain(showAlert(after)));
    return exitCode.ok;
  },
};

type AlertDoc = z.infer<typeof alertDoc>;

async function change(input: CliInput, client: Client): Promise<AlertDoc> {
  const [word = '', id = ''] = input.words;
  const doing = Object.hasOwn(doings, word) ? doings[word] : undefined;
  if (doing === undefined) throw usage(alert, `There is nothing called ${JSON.stringify(word)} to do with an alert.`);
  const json: Record<string, string> = {};
  for (const name of ['for', 'reason'] as const) {
    const value = optionOf(input, name);
    if (value === null && doing.takes[name] === 'required') throw usage(alert, `${word} needs --${name}.`);
    if (value === null) continue;
    if (doing.takes[name] === undefined) throw usage(alert, `${word} takes no --${name}.`);
    json[name] = value;
  }
  const path = `/api/v1/alerts/${encodeURIComponent(id)}/${doing.path}`;
  return await client.json(alertDoc, doing.method, path, doing.method === 'POST' ? { json } : {});
}

function showAlert(doc: AlertDoc): string {
  const { acknowledgedBy, acknowledgedUntil, silencedUntil, silencedBy, end } = doc;
  const facts = [
    acknowledgedBy &&
      `acknowledged by ${acknowledgedBy}${acknowledgedUntil === null ? '' : ` until ${acknowledgedUntil}`}`,
    silencedUntil && `silenced until ${silencedUntil}${silencedBy === null ? '' : ` by ${silencedBy}`}`,
    end?.how === 'closed' && `closed by ${end.because}`,
  ];
  return [`${doc.id}  ${doc.title}: ${doc.state}`, ...facts.filter(Boolean)].join(', ');
}
