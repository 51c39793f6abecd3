import { stripAnsi, visible } from '../../kernel/text.ts';
import type { Store } from '../../ports/store.ts';

const mostCharacters = 16 * 1024 * 1024;

/** The stored output of a run, or of one of its steps, as plain text; null when there is no such run. */
export async function readOutput(store: Store, run: string, step: string | null): Promise<string | null> {
  if ((await store.run(run)) === null) return null;
  const parts: string[] = [];
  let size = 0;
  let after = 0;
  let current = '';
  while (size < mostCharacters) {
    const chunks = await store.output({ run, ...(step === null ? {} : { step }), after, limit: 500 });
    if (chunks.length === 0) break;
    for (const chunk of chunks) {
      if (step === null && chunk.step !== current)
        parts.push(`${current === '' ? '' : '\n'}== ${visible(chunk.step)} ==\n`);
      current = chunk.step;
      parts.push(chunk.text);
      size += chunk.text.length;
      after = chunk.seq;
    }
  }
  if (parts.length === 0) return 'No output is stored.\n';
  return stripAnsi(parts.join('')).replace(/\r\n/g, '\n').split('\n').map(visible).join('\n');
}
