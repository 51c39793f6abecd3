import { z } from 'zod';
import { explanationDoc, gateExplanationDoc } from '../http/docs.ts';
import { badText } from '../model/gates/known-bad.ts';
import { createClient } from './client.ts';
import type { CliCommand } from './command.ts';
import { plain } from './plain.ts';
import { exitCode } from './terminal.ts';

export const explain: CliCommand = {
  name: 'explain',
  about: 'Shows for an event, alert, run or gate every runbook and rule, and the clause that held or failed.',
  usage: '<id>',
  options: [{ name: 'json', about: 'Print the answer as JSON.', value: null }],
  words: { least: 1, most: 1 },
  examples: ['tocsin explain alt_4f1c9a', 'tocsin explain gat_0mgw3k5q2x'],
  async run(input, terminal) {
    const path = `/api/v1/explain/${encodeURIComponent(input.words[0] ?? '')}`;
    const found = await createClient(terminal).json(z.union([explanationDoc, gateExplanationDoc]), 'GET', path);
    const text = 'gate' in found ? showGate(found) : showExplanation(found);
    terminal.out(input.options.has('json') ? JSON.stringify(found, null, 2) : plain(text));
    return exitCode.ok;
  },
};

type Explanation = z.infer<typeof explanationDoc>;

function showExplanation({ event, alert, title, started, runbooks }: Explanation): string {
  const head = `${title}  (${[event, started?.run, alert].filter(Boolean).join(', ')})`;
  if (started !== null) {
    const { verdict, rule, because } = started.decided;
    const then = `Started by ${started.by}; decided then: ${verdict} by "${rule}": ${because}`;
    return [`${head}\n${then}`, 'With the files as they are now:', ...runbooks.map(showRunbook)].join('\n\n');
  }
  const none = 'No runbook is loaded, so nothing can happen.';
  return [head, ...(runbooks.length === 0 ? [none] : runbooks.map(showRunbook))].join('\n\n');
}

function showRunbook({ runbook, holds, because, decision, rules }: Explanation['runbooks'][number]): string {
  if (!holds) return `${runbook}: does not apply: ${because}`;
  const verdict = decision === null ? 'nothing' : `${decision.verdict} by "${decision.rule}": ${decision.because}`;
  return [`${runbook}: applies: ${because}`, ...showRules(rules), `  => ${verdict}`].join('\n');
}

function showRules(rules: readonly { name: string; when: string; result: string; because: string | null }[]): string[] {
  const width = Math.max(0, ...rules.map(rule => rule.result.length));
  return rules.map(
    rule =>
      `  ${rule.result.padEnd(width)}  ${rule.name}: ${rule.when}${rule.because === null || rule.because === rule.when ? '' : ` (${rule.because})`}`,
  );
}

type GateExplanation = z.infer<typeof gateExplanationDoc>;

function showGate({ gate, name, title, state, because, decided, now, rules, knownBad, evidence }: GateExplanation) {
  const showDecision = (one: typeof now) => `${one.verdict} by "${one.rule}": ${one.because}`;
  const documents = evidence.documents.map(
    one =>
      `  ${one.verified ? one.says : `counts as absent: ${one.because ?? 'no reason is known'}`} (${one.format}, ${one.from})`,
  );
  if (!evidence.kept) documents.push('  It is stored no more, so that it counts as absent now.');
  return [
    `${title}  (${gate}, gate ${name})`,
    `${state}: ${because}`,
    `When it was asked: ${showDecision(decided)}`,
    '',
    'With the files as they are now:',
    ...showRules(rules),
    `  => ${showDecision(now)}`,
    ...section(
      'Known to be bad when it was asked:',
      knownBad.asked.map(one => `  ${badText(one)}`),
    ),
    ...section(
      'Known to be bad now:',
      knownBad.now.map(one => `  ${badText(one)}`),
    ),
    ...section('Evidence:', documents),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}
