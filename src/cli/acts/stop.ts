import { z } from 'zod';
import { runDoc } from '../../http/docs.ts';
import { createClient } from '../client.ts';
import { type CliCommand, optionOf } from '../command.ts';
import { plain } from '../plain.ts';
import { exitCode } from '../terminal.ts';

const haltDoc = z.looseObject({ halted: z.boolean(), by: z.string().nullable(), reason: z.string().nullable() });

const options = [
  { name: 'reason', about: 'Why, for the thread and the journal.', value: 'text' },
  { name: 'json', about: 'Print the answer as JSON.', value: null },
] as const;

export const cancel: CliCommand = {
  name: 'cancel',
  about: 'Stops a run: its running step is stopped with all of its processes.',
  usage: '<run>',
  options,
  words: { least: 1, most: 1 },
  examples: ['tocsin cancel run_4f1c9a --reason "the wrong host"'],
  async run(input, terminal) {
    const reason = optionOf(input, 'reason');
    const path = `/api/v1/runs/${encodeURIComponent(input.words[0] ?? '')}/cancel`;
    const json = reason === null ? {} : { reason };
    const run = await createClient(terminal).json(runDoc, 'POST', path, { json });
    const text = run.state === 'cancelled' ? 'cancelled' : `asked to stop (${run.state})`;
    terminal.out(input.options.has('json') ? JSON.stringify(run, null, 2) : plain(`${run.id}  ${run.title}: ${text}`));
    return exitCode.ok;
  },
};

export const halt = haltCommand('halt', 'PUT', 'The kill switch: no step starts until resume.');
export const resume = haltCommand('resume', 'DELETE', 'Takes the halt back.');

function haltCommand(name: string, method: 'PUT' | 'DELETE', about: string): CliCommand {
  return {
    name,
    about,
    usage: '',
    options,
    words: { least: 0, most: 0 },
    examples: [`tocsin ${name} --reason "${name === 'halt' ? 'something is wrong' : 'it is understood'}"`],
    async run(input, terminal) {
      const reason = optionOf(input, 'reason');
      const json = reason === null ? {} : { reason };
      const doc = await createClient(terminal).json(haltDoc, method, '/api/v1/halt', { json });
      const because = doc.reason === null ? '' : `: ${doc.reason}`;
      const text = doc.halted ? `Halted by ${doc.by}${because}` : 'Not halted.';
      terminal.out(input.options.has('json') ? JSON.stringify(doc, null, 2) : plain(text));
      return exitCode.ok;
    },
  };
}
