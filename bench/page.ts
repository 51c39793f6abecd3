import { cpus, release, totalmem } from 'node:os';
import { benches } from './benches.ts';
import type { BenchRecord } from './report.ts';

/** docs/performance.md from what the benches measured in one run. A bench that measured nothing is named with that. */
export function renderPage(records: readonly BenchRecord[], now = new Date()): string {
  const peers = Object.assign({}, ...records.map(record => record.peers)) as Record<string, string>;
  const [cpu] = cpus();
  const lines = [
    '# Performance',
    '',
    '<!-- Written by `npm run bench -- --page`. Do not edit it by hand. -->',
    '',
    `Measured on ${now.toISOString().slice(0, 10)} by \`npm run bench -- --page\`: each figure with the other side of its ratio in one run, on one machine.`,
    'The figures are for comparison and promise nothing. What is missed is shown too.',
    '',
    `- Machine: ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 1024 ** 3)} GB, Linux ${release()}, Node ${process.versions.node}.`,
    ...Object.entries(peers).map(([name, version]) => `- Compared with ${name} ${version}.`),
  ];
  for (const [name, { named }] of Object.entries(benches)) if (named !== true) lines.push('', ...partOf(name, records));
  return `${lines.join('\n')}\n`;
}

/** The page with one part measured anew, which says when: each ratio has both its sides in one run. */
export function replacePart(page: string, name: string, records: readonly BenchRecord[], now = new Date()): string {
  const start = page.indexOf(`\n## ${name}\n`) + 1;
  if (start === 0)
    throw new Error(`docs/performance.md has no part ${name}; npm run bench -- --page writes all of them`);
  const next = page.indexOf('\n## ', start);
  const part = [...partOf(name, records), '', `Measured again on ${now.toISOString().slice(0, 10)}.`];
  return `${page.slice(0, start)}${part.join('\n')}\n${next < 0 ? '' : page.slice(next)}`;
}

function partOf(name: string, records: readonly BenchRecord[]): string[] {
  const lines = [`## ${name}`, '', `\`npm run bench -- ${name}\`: ${benches[name]?.about}.`, ''];
  const own = records.filter(record => record.bench === name).flatMap(record => record.lines);
  if (own.length === 0) lines.push('Nothing was measured.');
  else lines.push('| figure | measured | target | |', '|---|---|---|---|');
  for (const { what, shown, target, reached } of own)
    lines.push(`| ${what} | ${shown} | ${target} | ${reached ? '' : '**missed**'} |`);
  return lines;
}
