import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Case, cases, cellOf, isPossible, type Path, paths } from './support/vote-matrix.ts';

const page = 'docs/security.md';
const begin = '<!-- votes: made by npm run generate -->';
const end = '<!-- end of votes -->';

/** The table of votes that do not count, between two marks of docs/security.md. The rest of the page is written by hand. */
export default function generateVotes(): Record<string, string> {
  const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${page} lacks ${begin} or ${end}`);
  return { [page]: `${before}${begin}\n\n${matrix()}\n\n${end}${after}` };
}

function matrix(): string {
  const all = Object.keys(cases) as Case[];
  const answers: string[] = [];
  const numberOf = (text: string) => {
    if (!answers.includes(text)) answers.push(text);
    return answers.indexOf(text) + 1;
  };
  const show = (path: Path, which: Case) => {
    const cell = cellOf(path, which);
    const texts = isPossible(cell) ? [...new Set(cell)] : [`not possible: ${cell.impossible}`];
    return texts.map(text => numberOf(text)).join(', ');
  };
  const rows = (Object.keys(paths) as Path[]).map(
    path => `| ${[paths[path].name, ...all.map(which => show(path, which))].join(' | ')} |`,
  );
  return [
    ...all.map(which => `- **${which}**: ${cases[which]}`),
    '',
    `| path | ${all.join(' | ')} |`,
    `|---|${all.map(() => '---|').join('')}`,
    ...rows,
    '',
    'The numbers are the answers:',
    '',
    ...answers.map((text, index) => `${index + 1}. ${text}`),
  ].join('\n');
}
