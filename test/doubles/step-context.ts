import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createChildren } from '../../src/kernel/child/child.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { TocsinError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createOutput, spawnInto } from '../../src/kernel/output/output.ts';
import type { Alert } from '../../src/model/alert.ts';
import type { Approval } from '../../src/model/approval.ts';
import type { Run } from '../../src/model/run.ts';
import type { StepContext } from '../../src/ports/step.ts';
import { sampleRun as anyRun } from '../contracts/samples.ts';

export interface ContextDouble {
  context: StepContext;
  /** What streamed out so far. */
  shown(): Promise<string>;
  posted: string[];
}

export const sampleRun = (facts: Partial<Run> = {}): Run =>
  anyRun({
    runbook: 'sample',
    title: 'Sample',
    params: { host: 'web-1; $(id)', count: 3 },
    targets: [],
    state: 'running',
    alert: 'alt_1',
    episode: 1,
    createdAt: 0,
    startedAt: 0,
    ...facts,
  });

export const sampleAlert = (facts: Partial<Alert> = {}): Alert => ({
  id: 'alt_1',
  source: 'alertmanager',
  fingerprint: 'f',
  title: 'Sample',
  severity: 'warning',
  state: 'firing',
  labels: {},
  annotations: {},
  links: [],
  trusted: true,
  episode: 1,
  count: 1,
  firstSeen: 0,
  lastSeen: 0,
  lastFiring: 0,
  startsAt: 0,
  resolvedAt: null,
  end: null,
  reopenedAt: null,
  newsAt: null,
  acknowledgedBy: null,
  acknowledgedUntil: null,
  silencedUntil: null,
  silencedBy: null,
  silencedAtOrigin: null,
  quietSince: null,
  version: 1,
  ...facts,
});

const openApproval: Approval = {
  id: 'apv_1',
  run: 'run_1',
  gate: null,
  claim: null,
  step: 'ask',
  alert: null,
  runbook: 'sample',
  planHash: 'a'.repeat(64),
  title: 'Sample',
  question: '?',
  risk: 'low',
  rule: 'step ask',
  ask: { by: ['sre'], quorum: 1, expires: 1000, escalate: null, reasonRequired: false },
  barred: [],
  state: 'open',
  votes: [],
  because: null,
  createdAt: 0,
  expiresAt: 1_000_000,
  closedAt: null,
  warned: [],
  escalated: false,
  version: 1,
};

/** A context for one attempt: real children, real output, and whatever the test says of the rest. */
export async function makeStepContext(
  facts: Partial<StepContext> & {
    clock?: Clock;
    secrets?: Record<string, string>;
    /** PATH of the children. */
    path?: string;
    /** Milliseconds between the signal that stops a child and KILL. */
    grace?: number;
    /** Called with what streams out, as it comes. */
    onOutput?: (text: string) => void;
  } = {},
): Promise<ContextDouble> {
  const {
    secrets = { example: 'value-of-the-example' },
    clock = systemClock,
    path,
    grace = 200,
    onOutput,
    ...given
  } = facts;
  const home = await mkdtemp(join(tmpdir(), 'tocsin-step-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const children = createChildren({
    clock: systemClock,
    log: silentLog,
    path: path ?? process.env['PATH'] ?? '/usr/bin:/bin',
    home,
  });
  onTestFinished(() => children.close());
  let text = '';
  const output = createOutput({
    clock: systemClock,
    log: silentLog,
    secrets: Object.values(secrets),
    maxBytes: 64 * 1024,
    onChunk(chunk) {
      text += chunk;
      onOutput?.(chunk);
    },
  });
  const posted: string[] = [];
  const signal = given.signal ?? new AbortController().signal;
  const context: StepContext = {
    run: sampleRun(),
    step: 'step',
    attempt: 1,
    idempotencyKey: 'run_1/step',
    signal,
    clock,
    log: silentLog,
    waiting: null,
    lastStepAt: 0,
    alert: async () => sampleAlert(),
    look: async () => ({ state: 'blind', because: 'nobody could look' }),
    spawn: command => spawnInto(children, output, command, { marker: `run_1/step/${home.slice(-6)}`, signal, grace }),
    fetch: async () => {
      throw new TypeError('no network in this test');
    },
    async secret(name) {
      const value = secrets[name];
      if (value === undefined) throw new TocsinError('params-invalid', { given: name });
      return value;
    },
    say: said => output.say(said),
    post: async message => void posted.push(message.text),
    async chart() {
      throw new TocsinError('params-invalid', { message: 'There is no source with metrics.' });
    },
    approval: async () => openApproval,
    child: async () => sampleRun({ id: 'run_2', state: 'queued' }),
    dry: false,
    ...given,
  };
  return {
    context,
    posted,
    async shown() {
      await output.end();
      return text;
    },
  };
}

/** A small web that answers without a network: `/healthz`, `/echo`, and 404 for the rest, on `service.example` only. */
export const sampleWeb: typeof fetch = async input => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (url.hostname !== 'service.example')
    throw new TocsinError('egress-refused', { message: `${url.host} is not allowed.` });
  if (url.pathname === '/healthz' || url.pathname === '/echo') return new Response('ok', { status: 200 });
  return new Response('nothing here', { status: 404, statusText: 'Not Found' });
};
