import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { redactText } from '../../kernel/redact/redact.ts';
import { system } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import { streamOf } from '../../model/journal.ts';
import { isEnded, type Run, type Step } from '../../model/run.ts';
import type { Runbook } from '../../ports/runbook.ts';
import type { Seen, StepAsk, StepContext } from '../../ports/step.ts';
import { beginRun, openApproval } from '../pipeline/begin.ts';
import { postChart } from './chart.ts';
import type { EngineParts } from './engine-parts.ts';
import { createLeftovers, type Leftovers } from './leftovers.ts';
import { fetchWithMark, withMark } from './permit.ts';
import { createStepOutput, type StepOutput } from './step-output.ts';

/** Makes the contexts of the attempts of one session. */
export interface AttemptTools {
  open(attempt: { step: string; number: number; timeout: number | null; waiting: Step['waiting'] }): {
    context(signal: AbortSignal): StepContext;
    /** What its children left behind when they were stopped. */
    leftovers(): Leftovers;
    /** Flushes the output; its full text is stored with the step's result. Null when there was none. */
    end(): Promise<{ digest: string; bytes: string } | null>;
  };
}

export interface AttemptToolsParts {
  run(): Run;
  runbook: Runbook;
  /** What the steps hand on, so that what they do is known to be the run's; null without a permit. */
  mark: string | null;
  lease: { name: string; token: number };
  /** Called before people are asked something. */
  onAsk(): void;
  parts: EngineParts;
}

export async function createAttemptTools(session: AttemptToolsParts): Promise<AttemptTools> {
  const { parts } = session;
  // A run without an attempt has no output yet.
  const hasNoOutput = session.run().steps.every(step => step.attempts === 0);
  const chunks = hasNoOutput ? { last: 0 } : await countChunks(session.run().id, parts);
  return {
    open({ step, number, timeout, waiting }) {
      const fetch = parts.egress.within(timeout);
      const run = session.run();
      const output = createStepOutput({
        run: run.id,
        step,
        attempt: number,
        nextSeq: () => ++chunks.last,
        lease: session.lease,
        hidden: parts.hidden(),
        maxBytes: parts.catalogue.current().config.run.maxOutput,
        parts,
      });
      const leftovers = createLeftovers(parts.hidden());
      return {
        context: signal => contextOf({ session, step, number, waiting, output, leftovers, fetch, signal }),
        leftovers: leftovers.all,
        end: () => output.end(),
      };
    },
  };
}

/** Chunks are numbered through the run, also after a restart. */
async function countChunks(run: string, parts: EngineParts): Promise<{ last: number }> {
  for (let last = 0; ; ) {
    const found = await parts.store.output({ run, after: last, limit: 1000 });
    const newest = found.at(-1);
    if (newest === undefined) return { last };
    last = newest.seq;
  }
}

interface ContextParts {
  session: AttemptToolsParts;
  step: string;
  number: number;
  waiting: Step['waiting'];
  output: StepOutput;
  leftovers: ReturnType<typeof createLeftovers>;
  fetch: typeof fetch;
  signal: AbortSignal;
}

function contextOf(made: ContextParts): StepContext {
  const { session, step, number, output } = made;
  const { parts } = session;
  const run = session.run();
  return {
    run,
    step,
    attempt: number,
    signal: made.signal,
    idempotencyKey: `${run.id}/${step}`,
    clock: parts.clock,
    log: parts.log.child({ run: run.id, step }),
    waiting: made.waiting,
    lastStepAt: lastStepAt(run, step),
    alert: async () => (run.alert === null ? null : await parts.store.alert(run.alert)),
    look: () => lookAtAlert(run, parts),
    spawn: command =>
      output.spawn(
        { ...command, env: withMark(command.env, session.mark) },
        {
          marker: `${run.id}/${step}/${number}`,
          signal: made.signal,
          onStopped: made.leftovers.add,
        },
      ),
    fetch: fetchUntil(
      made.signal,
      fetchWithMark(made.fetch, session.mark, () => headerHosts(parts)),
    ),
    secret: async name => secretOf(name, session),
    say: text => output.say(text),
    post: message => postNote(message, made),
    chart: ask => postChart(ask, { run: run.id, step, guards: [{ kind: 'lease', ...session.lease }] }, parts),
    approval: ask => stepApproval(ask, made),
    child: (runbook, params) => childRun(runbook, params, made),
    dry: false,
  };
}

/** The hosts that get the header; all without a changes.yaml. */
function headerHosts({ catalogue }: EngineParts): readonly string[] {
  return catalogue.current().changes.ledger?.permitHeader ?? ['*'];
}

/** A request ends with its attempt, also when the driver gives it no signal, or one of its own. */
function fetchUntil(attempt: AbortSignal, fetch: StepContext['fetch']): StepContext['fetch'] {
  return (input, init) => {
    const own = init?.signal ?? (input instanceof Request ? input.signal : null);
    const signal = own === null || own === attempt ? attempt : AbortSignal.any([attempt, own]);
    return fetch(input, { ...init, signal });
  };
}

/** When the newest other step ended: evidence that the alert still fires must be newer. */
function lastStepAt(run: Run, step: string): number {
  const ends = run.steps.filter(one => one.id !== step && one.finishedAt !== null).map(one => one.finishedAt ?? 0);
  return Math.max(run.startedAt ?? run.createdAt, ...ends);
}

async function lookAtAlert(run: Run, parts: EngineParts): Promise<Seen> {
  const alert = run.alert === null ? null : await parts.store.alert(run.alert);
  return alert === null ? { state: 'blind', because: 'there is no alert' } : await parts.looks.look(alert);
}

function secretOf(name: string, session: AttemptToolsParts): string {
  const { secrets } = session.parts.catalogue.current().config;
  if (!session.runbook.secrets.includes(name)) {
    throw new TocsinError('params-invalid', {
      message: 'The runbook does not name this secret.',
      allowed: session.runbook.secrets,
      given: name,
      remedy: 'Add it to secrets: of the runbook; the plan covers its name.',
    });
  }
  const value = secrets[name];
  if (value === undefined)
    throw new TocsinError('params-invalid', {
      message: 'tocsin.yaml has no such secret.',
      allowed: Object.keys(secrets),
      given: name,
      remedy: 'Add it to secrets: of tocsin.yaml.',
    });
  return value;
}

async function postNote(message: Parameters<StepContext['post']>[0], made: ContextParts): Promise<void> {
  const { session, step } = made;
  const run = session.run().id;
  await session.parts.streams.run(
    run,
    system,
    () => ({
      facts: [
        {
          kind: 'step.said',
          run,
          step,
          text: redactText(message.text, session.parts.hidden()),
          mention: [...message.mention],
          tone: message.tone ?? 'info',
        },
      ],
    }),
    { guards: () => [{ kind: 'lease', ...session.lease }] },
  );
}

/** One approval for each attempt of a step; a repeated call finds the same one. */
async function stepApproval(ask: StepAsk, made: ContextParts): Promise<Approval> {
  const { session, step, number } = made;
  const { parts } = session;
  const run = session.run();
  const on = made.waiting?.on ?? null;
  const known = on === null ? null : await parts.store.approval(on);
  if (known !== null) return known;
  // An interrupted attempt may have asked already: its votes still count.
  const asked = (await parts.store.approvals({ run: run.id })).find(
    one => one.step === step && ['open', 'approved'].includes(one.state),
  );
  if (asked !== undefined) return asked;
  session.onAsk();
  const { question, by, ...rest } = ask;
  const at = parts.clock.now();
  const approval = openApproval(
    run,
    { ...rest, by: [...by], escalate: null },
    { id: parts.ids.next('apv'), at, step, question: redactText(question, parts.hidden()), rule: `step ${step}` },
  );
  await parts.feed.commit({
    guards: [
      { kind: 'lease', ...session.lease },
      { kind: 'claim', space: 'step-approval', key: `${run.id}/${step}/${number}`, at, keep: null },
    ],
    entries: [
      { stream: streamOf.approval(approval.id), actor: system, at, fact: { kind: 'approval.requested', approval } },
    ],
    rows: [{ table: 'approval', doc: approval }],
  });
  return approval;
}

/** The run of a called runbook: covered by the decision on the plan that contains it. */
async function childRun(name: string, params: Parameters<StepContext['child']>[1], made: ContextParts): Promise<Run> {
  const { session, step } = made;
  const { parts } = session;
  const run = session.run();
  const children = (await parts.store.runs({ parent: run.id, limit: 500 })).filter(one => one.parent?.step === step);
  // Begun by this attempt, or by an interrupted one. A new child is begun only after one that ended without success.
  const known =
    children.find(one => one.id === made.waiting?.on) ??
    children.find(one => !isEnded(one.state) || one.state === 'succeeded');
  if (known !== undefined) return known;
  const runbook = await calledRunbook(name, session);
  const decision = {
    ...run.decision,
    verdict: 'auto' as const,
    rule: `covered by ${run.id}`,
    because: `the plan of ${run.title} contains it`,
    ask: null,
  };
  const newest = run.alert === null ? null : await parts.store.alert(run.alert);
  // It is part of its caller, so it is about that episode, also when a newer one began meanwhile.
  const alert = newest === null ? null : { ...newest, episode: run.episode ?? newest.episode };
  const begun = beginRun(
    {
      runbook,
      params: runbook.params.parse(params),
      trigger: 'runbook',
      who: system,
      reason: `called by ${run.title}`,
      event: null,
      alert,
      reopened: false,
    },
    decision,
    parts,
    { run: run.id, step },
  );
  await parts.feed.commit({
    ...begun.change,
    guards: [
      { kind: 'lease', ...session.lease },
      {
        kind: 'claim',
        space: 'child-run',
        key: `${run.id}/${step}/${children.length}`,
        at: parts.clock.now(),
        keep: null,
      },
    ],
  });
  await parts.dispatcher.wake({ run: begun.run.id });
  return begun.run;
}

/** The called runbook as it is in the caller's snapshot, never as it is on disk now. */
async function calledRunbook(name: string, session: AttemptToolsParts): Promise<Runbook> {
  const { files } = session.runbook;
  const entry = [...files.keys()].find(path => path.replace(/^.*\//, '').replace(/\.(ya?ml|ts)$/, '') === name);
  if (entry === undefined) {
    throw new TocsinError('params-invalid', {
      message: `The plan does not contain the runbook "${name}".`,
      allowed: [...files.keys()],
      given: name,
      remedy: 'Name it where the runbook declares what it calls, so that the approval covers it.',
    });
  }
  const digests = Object.fromEntries([...files].map(([path, bytes]) => [path, sha256(bytes)]));
  return await session.parts.catalogue.fromSnapshot(
    { runbook: name, files: digests, entry, params: {}, targets: [], secrets: [] },
    files,
  );
}
