import type { z } from 'zod';
import { alertDoc } from '../../http/docs.ts';
import { createClient } from '../client.ts';
import { type CliCommand, type CliInput, type CliOption, optionOf, usage } from '../command.ts';
import { plain } from '../plain.ts';
import { exitCode, type Terminal } from '../terminal.ts';

/** What is asked of the API, and which options have to or may be given. */
interface Doing {
  about: string;
  method: 'POST' | 'DELETE';
  path: string;
  takes: Readonly<Partial<Record<'for' | 'reason', 'required' | 'optional'>>>;
  example: string;
}

const doings: Readonly<Record<string, Doing>> = {
  ack: {
    about: 'Acknowledges an alert: somebody looks at it.',
    method: 'POST',
    path: 'acknowledge',
    takes: { for: 'optional', reason: 'optional' },
    example: 'ack alt_4f1c9a --for 2h --reason "waiting for the vendor"',
  },
  unack: {
    about: 'Takes an acknowledgement back.',
    method: 'DELETE',
    path: 'acknowledge',
    takes: {},
    example: 'unack alt_4f1c9a',
  },
  silence: {
    about: 'Silences an alert for a time: nothing is posted, and nothing begins for it.',
    method: 'POST',
    path: 'silence',
    takes: { for: 'required', reason: 'optional' },
    example: 'silence alt_4f1c9a --for 1d',
  },
  unsilence: {
    about: 'Takes a silence back.',
    method: 'DELETE',
    path: 'silence',
    takes: {},
    example: 'unsilence alt_4f1c9a',
  },
  close: {
    about: 'Closes an alert that its source will not end.',
    method: 'POST',
    path: 'close',
    takes: { reason: 'required' },
    example: 'close alt_4f1c9a --reason "the machine is gone"',
  },
};

const options: Readonly<Record<'for' | 'reason' | 'json', CliOption>> = {
  for: { name: 'for', about: 'For how long: 30m, 2h, 1d. Required for silence.', value: 'duration' },
  reason: { name: 'reason', about: 'Why, for the thread and the journal. Required for close.', value: 'text' },
  json: { name: 'json', about: 'Print the alert afterwards as JSON.', value: null },
};

export const alert: CliCommand = {
  name: 'alert',
  about: 'Acknowledges, silences or closes an alert, or takes that back.',
  usage: `${Object.keys(doings).join(' | ')} <id>`,
  options: Object.values(options),
  words: { least: 2, most: 2 },
  examples: ['ack', 'silence', 'close'].map(word => `tocsin alert ${doings[word]?.example}`),
  async run(input, terminal) {
    const [word = '', id = ''] = input.words;
    const doing = Object.hasOwn(doings, word) ? doings[word] : undefined;
    if (doing === undefined) throw usage(alert, `There is nothing called ${JSON.stringify(word)} to do with an alert.`);
    return await change(alert, { word, id, doing }, input, terminal);
  },
};

/** The short forms: `tocsin ack <id>` for `tocsin alert ack <id>`. */
export const alertCommands: Readonly<Record<string, CliCommand>> = Object.fromEntries(
  Object.entries(doings).map(([word, doing]) => {
    const takes = (['for', 'reason'] as const).filter(name => doing.takes[name] !== undefined);
    const command: CliCommand = {
      name: word,
      about: doing.about,
      usage: '<alert>',
      options: [...takes.map(name => options[name]), options.json],
      words: { least: 1, most: 1 },
      examples: [`tocsin ${doing.example}`],
      run: (input, terminal) => change(command, { word, id: input.words[0] ?? '', doing }, input, terminal),
    };
    return [word, command];
  }),
);

type AlertDoc = z.infer<typeof alertDoc>;

async function change(
  command: CliCommand,
  { word, id, doing }: { word: string; id: string; doing: Doing },
  input: CliInput,
  terminal: Terminal,
): Promise<number> {
  const json: Record<string, string> = {};
  for (const name of ['for', 'reason'] as const) {
    const value = optionOf(input, name);
    if (value === null && doing.takes[name] === 'required') throw usage(command, `${word} needs --${name}.`);
    if (value === null) continue;
    if (doing.takes[name] === undefined) throw usage(command, `${word} takes no --${name}.`);
    json[name] = value;
  }
  const path = `/api/v1/alerts/${encodeURIComponent(id)}/${doing.path}`;
  const body = doing.method === 'POST' ? { json } : {};
  const after = await createClient(terminal).json(alertDoc, doing.method, path, body);
  terminal.out(input.options.has('json') ? JSON.stringify(after, null, 2) : plain(showAlert(after)));
  return exitCode.ok;
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
