import fc from 'fast-check';
import { expect, test } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { type Aftermath, brokenPromises } from './storm-rules.ts';

/** What truly happened to one alert: when each stretch began and ended, minutes after the first. The last may go on. */
interface Truth {
  kind: 'Auto' | 'Asks';
  stretches: { starts: number; ends: number | null }[];
}

/** One webhook: the alerts of a group, each firing or resolved. */
type Delivery = { alert: number; stretch: number; resolved: boolean }[];

/** Webhooks of one wave arrive at the same time; the waves one after the other. With some, alice approves what is open. */
type Wave = { deliveries: Delivery[]; votes: boolean };

interface Storm {
  truths: Truth[];
  waves: Wave[];
}

const truth = fc
  .record({
    kind: fc.constantFrom('Auto' as const, 'Asks' as const),
    lengths: fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 3,
    }),
    goesOn: fc.boolean(),
  })
  .map(({ kind, lengths, goesOn }): Truth => {
    let at = 0;
    const stretches = lengths.map(([gap, length], n) => {
      const starts = at + gap;
      at = starts + length;
      return { starts, ends: goesOn && n === lengths.length - 1 ? null : at };
    });
    return { kind, stretches };
  });

/** Every word about an alert, in its order, each once or twice, some lost, some late. */
function deliveriesOf(truths: readonly Truth[]): fc.Arbitrary<Delivery[]> {
  const words = truths.flatMap(({ stretches }, alert) =>
    stretches.flatMap(({ ends }, stretch) => [
      { alert, stretch, resolved: false },
      ...(ends === null ? [] : [{ alert, stretch, resolved: true }]),
    ]),
  );
  return fc
    .tuple(
      ...words.map(word =>
        fc.record({ word: fc.constant(word), times: fc.integer({ min: 0, max: 2 }), late: fc.nat({ max: 4 }) }),
      ),
    )
    .map(drawn => {
      const sent = drawn.flatMap(({ word, times, late }, place) =>
        Array.from({ length: times }, (_, again) => ({ word, at: place + late * (again + 1) * 0.7 })),
      );
      return sent.sort((a, b) => a.at - b.at).map(({ word }) => [word]);
    });
}

const storm: fc.Arbitrary<Storm> = fc
  .array(truth, { minLength: 1, maxLength: 3 })
  .chain(truths =>
    fc.tuple(
      fc.constant(truths),
      deliveriesOf(truths),
      fc.array(fc.record({ size: fc.integer({ min: 1, max: 4 }), group: fc.boolean(), votes: fc.boolean() }), {
        minLength: 30,
        maxLength: 30,
      }),
    ),
  )
  .map(([truths, deliveries, shapes]) => {
    const waves: Wave[] = [];
    const left = [...deliveries];
    for (const { size, group, votes } of shapes) {
      const wave = left.splice(0, size);
      if (wave.length > 0) waves.push({ deliveries: group ? [wave.flat()] : wave, votes });
    }
    return { truths, waves };
  });

const files = {
  'tocsin.yaml': basicConfig.replace('{ token: alert-secret }', '{ token: alert-secret, reopenAfter: 1s }'),
  'policy.yaml': `
rules:
  - { name: free, when: runbook.id == "auto", decide: auto }
  - { name: people, decide: approve, by: [sre], expires: 30m }
`,
  'runbooks/auto.yaml': runbook('Auto'),
  'runbooks/asks.yaml': runbook('Asks'),
};

function runbook(kind: Truth['kind']): string {
  return `
title: Mend ${kind}
risk: low
on: [{ source: alertmanager, match: { alertname: ${kind} } }]
params: { host: { type: string, from: labels.host } }
target: params.host
steps:
  - { id: mend, exec: [sleep, "0.05"] }
`;
}

/** The first minute of every history: old enough that no start is in the future. */
const began = Date.now() - 6 * 3_600_000;
const time = (minutes: number) => new Date(began + minutes * 60_000).toISOString();

function payload(delivery: Delivery, truths: readonly Truth[]): object {
  const alerts = delivery.map(({ alert, stretch, resolved }) => {
    const { kind, stretches } = truths[alert] ?? never();
    const { starts, ends } = stretches[stretch] ?? never();
    return {
      status: resolved ? 'resolved' : 'firing',
      labels: { alertname: kind, host: `web-${alert}` },
      annotations: {},
      startsAt: time(starts),
      endsAt: resolved ? time(ends ?? starts + 1) : '0001-01-01T00:00:00Z',
      fingerprint: `f${alert}`,
    };
  });
  return { receiver: 'tocsin', version: '4', alerts };
}

async function send(app: TestApp, delivery: Delivery, truths: readonly Truth[]): Promise<void> {
  const headers = { authorization: 'Bearer alert-secret' };
  const answer = await app.call('POST', '/events/alertmanager', { as: null, headers, body: payload(delivery, truths) });
  expect(answer.status).toBe(202);
}

async function approveAll(app: TestApp): Promise<void> {
  const open = await app.app.store.approvals({ state: 'open' });
  const votes = open.map(one => app.call('POST', `/api/v1/approvals/${one.id}/votes`, { body: { vote: 'approve' } }));
  // Late is an answer too.
  for (const { status } of await Promise.all(votes)) expect([200, 409]).toContain(status);
}

/** Waits until no quiet time is under way, nothing runs or waits for a worker, and the journal has not grown over some looks. */
async function quiet(app: TestApp): Promise<void> {
  const { store } = app.app;
  let head = -1;
  let same = 0;
  await app.until(async () => {
    const now = (await app.journal()).length;
    const busy =
      (await store.alerts({})).some(one => one.reopenedAt !== null) ||
      (await app.runs()).some(run => run.state === 'queued' || run.state === 'running');
    same = now === head && !busy ? same + 1 : 0;
    head = now;
    return same >= 8;
  });
}

async function brokenNow(app: TestApp): Promise<string[]> {
  const { store } = app.app;
  const facts: Aftermath = {
    journal: await app.journal(),
    alerts: await store.alerts({}),
    runs: await app.runs(),
    approvals: await store.approvals({}),
    roots: await store.posts({ platform: 'console', thread: null, limit: 1000 }),
  };
  return brokenPromises(facts);
}

/** Plays a storm; resolves to the rules that it broke. */
async function play({ truths, waves }: Storm): Promise<string[]> {
  const app = await startTestApp(files);
  try {
    for (const { deliveries, votes } of waves)
      await Promise.all([...deliveries.map(one => send(app, one, truths)), ...(votes ? [approveAll(app)] : [])]);
    await quiet(app);
    const broken = await brokenNow(app);
    // At last every sender says that it is over.
    await send(
      app,
      truths.map(({ stretches }, alert) => ({ alert, stretch: stretches.length - 1, resolved: true })),
      truths,
    );
    await quiet(app);
    const firing = (await app.app.store.alerts({})).filter(one => one.state !== 'resolved');
    return [
      ...broken,
      ...(await brokenNow(app)),
      ...firing.map(one => `${one.fingerprint} fires although its end was told`),
    ];
  } finally {
    await app.stop();
  }
}

/** For a longer hunt: other seeds, and more storms. A failure prints its seed and the storm. */
const seed = Number(process.env['STORM_SEED'] ?? 20261128);
const numRuns = Number(process.env['STORMS'] ?? 12);

test('storms of shuffled, doubled, late and lost deliveries break no promise', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(storm, async given => {
      expect(await play(given)).toEqual([]);
    }),
    { seed, numRuns, endOnFailure: true },
  );
});

function never(): never {
  throw new Error('not reached');
}
