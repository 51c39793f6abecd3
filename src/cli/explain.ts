import type { z } from 'zod';
import { explanationDoc } from '../http/docs.ts';
import { createClient } from './client.ts';
import type { CliCommand } from './command.ts';
import { plain } from './plain.ts';
import { exitCode } from './terminal.ts';

export const explain: CliCommand = {
  name: 'explain',
  about: 'Shows for an event, alert or run every runbook and rule, and the clause that held or failed.',
  usage: '<id>',
  options: [{ name: 'json', about: 'Print the answer as JSON.', value: null }],
  words: { least: 1, most: 1 },
  examples: ['tocsin explain alt_4f1c9a'],
  async run(input, terminal) {
    const path = `/api/v1/explain/${encodeURIComponent(input.words[0] ?? '')}`;
    const found = await createClient(terminal).json(explanationDoc, 'GET', path);
    terminal.out(input.options.has('json') ? JSON.stringify(found, null, 2) : plain(showExplanation(found)));
    return exitCode.ok;
  },
};

type Explanation = z.infer<typeof explanationDoc>;

function showExplanation({ event, alert, title, runbooks }: Explanation): string {
  const head = `${title}  (${[event, alert].filter(Boolean).join(', ')})`;
  const none = 'No runbook is loaded, so nothing can happen.';
  return [head, ...(runbooks.length === 0 ? [none] : runbooks.map(showRunbook))].join('\n\n');
}

function showRunbook({ runbook, holds, because, decision, rules }: Explanation['runbooks'][number]): string {
  if (!holds) return `${runbook}: does not apply: ${because}`;
  const verdict = decision === null ? 'nothing' : `${decision.verdict} by "${decision.rule}": ${decision.because}`;
  const width = Math.max(0, ...rules.map(rule => rule.result.length));
  const lines = rules.map(
    rule =>
      `  ${rule.result.padEnd(width)}  ${rule.name}: ${rule.when}${rule.because === null ? '' : ` (${rule.because})`}`,
  );
  return [`${runbook}: applies: ${because}`, ...lines, `  => ${verdict}`].join('\n');
}
