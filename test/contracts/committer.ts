/** A process that commits without end and prints what was acknowledged, so that a test can kill it at any moment. Arguments: module, folder, url or "", first number. */
import { writeSync } from 'node:fs';
import { sha256 } from '../../src/kernel/canonical.ts';
import { loadDriver } from './place.ts';
import { sampleEntry } from './samples.ts';

const [module = '', folder = '', url = '', first = '0'] = process.argv.slice(2);
const driver = await loadDriver(module);
const store = await driver.open({ folder, url: url === '' ? null : url, now: Date.now });
let number = Number(first);

async function commitForEver(): Promise<void> {
  for (;;) {
    const text = `${number++} ${'x'.repeat(number % 3000)}`;
    const committed = await store.commit({
      guards: [{ kind: 'claim', space: 'kill', key: text, at: Date.now(), keep: null }],
      entries: [sampleEntry(text)],
      rows: [{ table: 'cursor', name: text, value: 1 }],
      blobs: [{ digest: sha256(text), bytes: text }],
    });
    const entry = committed.entries[0];
    writeSync(1, `${JSON.stringify({ seq: entry?.seq, hash: entry?.hash, text })}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, commitForEver));
