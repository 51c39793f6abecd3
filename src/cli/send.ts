import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { fileError } from '../kernel/file-error.ts';
import { createClient } from './client.ts';
import { type CliCommand, usage } from './command.ts';
import { exitCode } from './terminal.ts';

const accepted = z.object({
  accepted: z.array(z.object({ event: z.string(), alert: z.string().nullable(), duplicate: z.boolean() })),
});

export const send: CliCommand = {
  name: 'send',
  about: 'Delivers a saved payload to a source, through the same door as its sender.',
  usage: '<source> <file>',
  options: [
    {
      name: 'header',
      about: 'A header to send, "Name: value"; may be repeated. For a proof: Authorization or a signature.',
      value: 'header',
      repeats: true,
    },
    { name: 'type', about: 'The content type; application/json when left out.', value: 'type' },
  ],
  words: { least: 2, most: 2 },
  examples: [
    'tocsin send alertmanager firing.json',
    'tocsin send pagerduty incident.json --header "X-PagerDuty-Signature: v1=..."',
  ],
  async run(input, terminal) {
    const [source = '', file = ''] = input.words;
    const path = resolve(terminal.cwd, file);
    const body = await readFile(path).catch(error => {
      throw fileError(error, file, path);
    });
    const headers: Record<string, string> = { 'content-type': input.options.get('type')?.[0] ?? 'application/json' };
    for (const line of input.options.get('header') ?? []) {
      const found = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):\s*(.*)$/.exec(line);
      if (found === null) throw usage(send, `--header ${JSON.stringify(line)} is not "Name: value".`);
      headers[(found[1] ?? '').toLowerCase()] = found[2] ?? '';
    }
    // A webhook does not use the API's token: a sender authenticates with the credentials of its source.
    const client = createClient({ ...terminal, env: { ...terminal.env, TOCSIN_TOKEN: '' } });
    const response = await client.send('POST', `/events/${encodeURIComponent(source)}`, { body, headers });
    for (const one of accepted.parse(await response.json()).accepted) {
      terminal.out(
        [`event ${one.event}`, one.alert && `alert ${one.alert}`, one.duplicate && 'seen before']
          .filter(Boolean)
          .join('  '),
      );
    }
    return exitCode.ok;
  },
};
