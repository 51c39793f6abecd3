import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../kernel/clock.ts';
import { TocsinError } from '../kernel/errors.ts';
import { fileError } from '../kernel/file-error.ts';
import { loadSet } from '../load/index.ts';
import { createClient } from './client.ts';
import { type CliCommand, usage } from './command.ts';
import { loadParts } from './files.ts';
import { readRecorded } from './recorded-file.ts';
import { exitCode, type Terminal } from './terminal.ts';

/** The answer of a source of raw records. */
const recordsTaken = z.object({
  records: z.int(),
  unreadable: z.int(),
  alerts: z.int(),
  duplicate: z.boolean(),
});

const accepted = z.object({
  accepted: z.array(z.object({ event: z.string(), alert: z.string().nullable(), duplicate: z.boolean() })),
});

export const send: CliCommand = {
  name: 'send',
  about: 'Delivers a saved payload, or a recorded delivery, to a source, through the same door as its sender.',
  usage: '<source> <file>',
  options: [
    {
      name: 'header',
      about: 'A header to send, "Name: value"; may be repeated. For a proof: Authorization or a signature.',
      value: 'header',
      repeats: true,
    },
    { name: 'sign', about: 'Prove it with the secrets of tocsin.yaml, as its sender would.', value: null },
    { name: 'type', about: 'The content type; application/json when left out.', value: 'type' },
  ],
  words: { least: 2, most: 2 },
  examples: [
    'tocsin send alertmanager firing.json',
    'tocsin send grafana firing.json --sign',
    'tocsin send github github-4f1c9a-1.http --sign',
    'tocsin send pagerduty incident.json --header "X-PagerDuty-Signature: v1=..."',
  ],
  async run(input, terminal) {
    const [source = '', file = ''] = input.words;
    const path = resolve(terminal.cwd, file);
    const bytes = await readFile(path).catch(error => {
      throw fileError(error, file, path);
    });
    const recorded = readRecorded(bytes);
    const body = recorded?.body ?? bytes;
    const type = input.options.get('type')?.[0];
    // A recorded delivery has the headers of its sender, also none for the type.
    const headers: Record<string, string> = recorded?.headers ?? { 'content-type': 'application/json' };
    if (type !== undefined) headers['content-type'] = type;
    if (recorded !== null && !input.options.has('sign'))
      terminal.err('The proof of its sender was taken out when this was recorded; --sign makes one.');
    for (const line of input.options.get('header') ?? []) {
      const found = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):\s*(.*)$/.exec(line);
      if (found === null) throw usage(send, `--header ${JSON.stringify(line)} is not "Name: value".`);
      headers[(found[1] ?? '').toLowerCase()] = found[2] ?? '';
    }
    if (input.options.has('sign')) Object.assign(headers, await proofOf(source, { headers, body }, terminal));
    // A webhook does not use the API's token: a sender authenticates with the credentials of its source.
    const client = createClient({ ...terminal, env: { ...terminal.env, TOCSIN_TOKEN: '' } });
    const response = await client.send('POST', `/events/${encodeURIComponent(source)}`, { body, headers });
    const answer: unknown = await response.json();
    const records = recordsTaken.safeParse(answer);
    if (records.success) {
      const { unreadable, alerts, duplicate } = records.data;
      const others = [`${alerts} alerts`, `${unreadable} unreadable`, duplicate && 'seen before'].filter(Boolean);
      terminal.out([`${records.data.records} records`, ...others].join('  '));
      return exitCode.ok;
    }
    for (const one of accepted.parse(answer).accepted) {
      terminal.out(
        [`event ${one.event}`, one.alert && `alert ${one.alert}`, one.duplicate && 'seen before']
          .filter(Boolean)
          .join('  '),
      );
    }
    return exitCode.ok;
  },
};

/** The headers by which the sender of a source proves itself, with the options of tocsin.yaml. */
async function proofOf(
  name: string,
  sent: { headers: Record<string, string>; body: Buffer },
  terminal: Terminal,
): Promise<Record<string, string>> {
  const { set, problems } = await loadSet(await loadParts(terminal));
  const source = set?.sources.get(name);
  if (source?.driver.prove !== undefined)
    return source.driver.prove({ ...sent, at: systemClock.now() }, source.options);
  if (set === null) throw new TocsinError('file-invalid', { at: problems[0]?.file ?? 'tocsin.yaml' });
  throw new TocsinError('not-found', {
    message: source === undefined ? 'There is no such source in tocsin.yaml.' : 'This source takes no deliveries.',
    allowed: [...set.sources].flatMap(([one, { driver }]) => (driver.prove === undefined ? [] : [one])),
    given: name,
  });
}
