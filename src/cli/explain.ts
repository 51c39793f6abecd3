import { card } from '../model/card.ts';
import { createClient } from './client.ts';
import type { CliCommand } from './command.ts';
import { showCard } from './show-card.ts';
import { exitCode } from './terminal.ts';

export const explain: CliCommand = {
  name: 'explain',
  about: 'Shows for an event or alert every runbook and rule, and the clause that held or failed.',
  usage: '<event or alert id>',
  options: [],
  words: { least: 1, most: 1 },
  examples: ['tocsin explain alt_4f1c9a'],
  async run(input, terminal) {
    const client = createClient(terminal);
    const path = `/api/v1/explain/${encodeURIComponent(input.words[0] ?? '')}`;
    terminal.out(showCard(await client.json(card, 'GET', path)));
    return exitCode.ok;
  },
};
