import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createExaminer } from '../../../src/flow/evidence/aside.ts';
import type { Examined, Order } from '../../../src/flow/evidence/examine.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { standardRules } from '../../../src/model/gates/evidence.ts';
import { trivyReport } from '../../doubles/scans.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const orderOf = (text: string): Order => ({
  bytes: Buffer.from(text),
  format: null,
  from: 'request',
  subject: { image: `x@${digest}` },
  rules: standardRules,
});

/** How often others had their turn until it was done. */
async function turnsOf(work: Promise<Examined>): Promise<{ examined: Examined; turns: number }> {
  let [turns, done] = [0, false];
  void work.finally(() => {
    done = true;
  });
  for (; !done; turns++) await nextTurn();
  return { examined: await work, turns };
}

describe('a large document', () => {
  const examine = createExaminer({ clock: systemClock, log: silentLog });

  it('of hundreds of thousands of entries is read while others have their turn', { timeout: 120_000 }, async () => {
    const found = Array.from(
      { length: 300_000 },
      (_, index) => `{"VulnerabilityID":"C-${index}","PkgName":"x","Severity":"LOW"}`,
    );
    const report = JSON.stringify(trivyReport(digest, [])).replace(
      '"Vulnerabilities":[',
      `"Vulnerabilities":[${found.join(',')}`,
    );
    const { examined, turns } = await turnsOf(examine(orderOf(report)));
    expect(examined).toMatchObject({ kind: 'read', ref: { says: '300000 low, as the caller says' } });
    // What is sent back from the thread is bounded.
    expect(examined.kind === 'read' && examined.part?.kind === 'document' && examined.part.findings?.list.length).toBe(
      10_000,
    );
    expect(turns).toBeGreaterThan(100);
  });

  it('that is not what it says is refused like a small one', { timeout: 120_000 }, async () => {
    const padding = ' '.repeat(300_000);
    expect(await examine(orderOf(`{"a":1${padding}`))).toMatchObject({ kind: 'refused', code: 'evidence-invalid' });
    expect(await examine(orderOf(`{"a":1${padding}}`))).toMatchObject({ because: 'it is in no format that is known' });
  });

  it('of more values than memory is sure to hold is refused before it is parsed', { timeout: 120_000 }, async () => {
    const because = 'it has more than 2,000,000 values';
    expect(await examine(orderOf(`{"runs":[${'[],'.repeat(1_000_001)}[]]}`))).toMatchObject({ because });
    expect(await examine(orderOf(`{"a":"${','.repeat(3_000_000)}\\"[,"}`))).toMatchObject({
      because: 'it is in no format that is known',
    });
  });
});
