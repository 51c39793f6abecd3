import { stripAnsi, visible } from '../../../kernel/text.ts';
import { readLogs } from '../../../ports/step-log.ts';
import type { Store } from '../../../ports/store.ts';

const mostCharacters = 16 * 1024 * 1024;

/** The stored output of a run, or of one of its steps, as plain text; null when there is no such run. */
export async function readOutput(store: Store, id: string, step: string | null): Promise<string | null> {
  const run = await store.run(id);
  if (run === null) return null;
  const parts: string[] = [];
  let size = 0;
  for await (const log of readLogs(store, run, step)) {
    const text = log.gone ? 'This log is not stored any more.\n' : log.text;
    size += text.length;
    if (size > mostCharacters && parts.length > 0) {
      parts.push(
        `\n== ${visible(log.step)} ==\nThis page is too long for it: add ?step=${visible(log.step)} to its address.\n`,
      );
      break;
    }
    if (step === null) parts.push(`${parts.length === 0 ? '' : '\n'}== ${visible(log.step)} ==\n`);
    parts.push(text);
  }
  if (parts.length === 0) return 'No output is stored.\n';
  return stripAnsi(parts.join('')).replace(/\r\n/g, '\n').split('\n').map(visible).join('\n');
}

/** A plain name for the file of a log, whatever the step is called. */
export function fileName(run: string, step: string | null): string {
  return `${[run, ...(step === null ? [] : [step])]
    .map(part => part.replace(/[^A-Za-z0-9._-]+/g, '-'))
    .join('-')
    .slice(0, 120)}.log`;
}
