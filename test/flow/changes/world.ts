import fc from 'fast-check';
import { z } from 'zod';
import { type Ledger, startChanges } from '../../../src/flow/changes/changes.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { system } from '../../../src/model/actor.ts';
import type { IncomingChange } from '../../../src/model/event.ts';
import { streamOf } from '../../../src/model/journal.ts';
import { ledgerKeys } from '../../../src/model/ledger/ledger-file.ts';
import type { Permit } from '../../../src/model/ledger/permit.ts';
import type { Change, Store } from '../../../src/ports/store.ts';
import { createPlace, deliveryOf, type FlowNode, type FlowPlace, listSource } from '../place.ts';

export const [skew, wait] = [2 * 60_000, 15 * 60_000];

/** What was approved. Times are milliseconds from the beginning of the sequence; a permit of a run or a gate has its place in the list as its name. */
export interface PermitIdea {
  of: 'run' | 'gate' | 'import' | 'break-glass';
  who: number;
  account: number | null;
  region: string | null;
  environment: string | null;
  /** How the actions begin that it is for. */
  action: string | null;
  resource: string | null;
  from: number;
  until: number | null;
}

export interface ChangeIdea {
  who: number;
  account: number;
  region: string | null;
  environment: string | null;
  action: string;
  resource: string;
  /** The permit of a run whose mark it carries, and that of a gate whose image it names. */
  mark: number | null;
  image: number | null;
  address: string | null;
  failed: boolean;
  was: string | null;
  became: string;
  at: number;
}

export type Source = 'trail' | 'bucket' | 'open';
export type Step =
  | { do: 'permit'; permit: number }
  | { do: 'tell'; change: number; source: Source }
  | { do: 'wait'; for: number }
  | { do: 'look'; nodes: 1 | 2 }
  | { do: 'crash'; after: number };

export interface Idea {
  permits: PermitIdea[];
  changes: ChangeIdea[];
  steps: Step[];
}

const second = 1000;
const edges = [-skew, 0, skew].flatMap(edge => [-second, 0, second].map(more => edge + more));
/** Times near to each other and to the ends of permits, where mistakes are. */
const time = fc
  .tuple(fc.constantFrom(300, 600, 900), fc.constantFrom(0, 0, ...edges))
  .map(([base, edge]) => base * second + edge);
const often = <T>(usual: T, ...other: T[]) => fc.constantFrom(usual, usual, usual, ...other);

const permit: fc.Arbitrary<PermitIdea> = fc.record({
  of: fc.constantFrom('run', 'run', 'gate', 'import', 'import', 'break-glass'),
  who: fc.constantFrom(0, 1, 2, 3),
  account: often<number | null>(null, 0, 1),
  region: often<string | null>(null, 'eu', 'us'),
  environment: often<string | null>(null, 'production'),
  action: often<string | null>(null, 'Run', 'Put'),
  resource: often<string | null>(null, 'r0', 'r1'),
  from: time,
  until: fc.option(time),
});

const change: fc.Arbitrary<ChangeIdea> = fc.record({
  who: fc.constantFrom(0, 0, 1, 2, 3),
  account: often(0, 1),
  region: often<string | null>('eu', 'us', null),
  environment: often<string | null>(null, 'production'),
  action: fc.constantFrom('RunInstances', 'PutPolicy'),
  resource: fc.constantFrom('r0', 'r1'),
  mark: fc.constantFrom(null, 0, 0, 1),
  image: fc.constantFrom(null, null, 0, 1),
  address: fc.constantFrom('203.0.113.1', '203.0.113.1', '203.0.113.2', null),
  failed: often(false, false, true),
  was: fc.constantFrom(null, 'a', 'b'),
  became: fc.constantFrom('a', 'b'),
  at: time,
});

const shuffled = ({ permits, changes, more }: { permits: PermitIdea[]; changes: ChangeIdea[]; more: Step[] }) => {
  const steps: Step[] = [
    ...permits.map((_, index): Step => ({ do: 'permit', permit: index })),
    ...changes.map((_, index): Step => ({ do: 'tell', change: index, source: 'trail' })),
    ...more,
  ];
  return fc
    .shuffledSubarray(steps, { minLength: steps.length })
    .map(
      (all): Idea => ({ permits, changes, steps: [...all, { do: 'wait', for: 2 * wait }, { do: 'look', nodes: 1 }] }),
    );
};

export const ideas: fc.Arbitrary<Idea> = fc
  .record({
    permits: fc.array(permit, { minLength: 1, maxLength: 4 }),
    changes: fc.array(change, { minLength: 1, maxLength: 5 }),
  })
  .chain(both => {
    const again = fc.record({
      do: fc.constant('tell' as const),
      change: fc.nat({ max: both.changes.length - 1 }),
      source: fc.constantFrom<Source>('trail', 'bucket', 'open'),
    });
    const step: fc.Arbitrary<Step> = fc.oneof(
      again,
      fc.record({ do: fc.constant('wait' as const), for: fc.constantFrom(second, skew, wait) }),
      fc.record({ do: fc.constant('look' as const), nodes: fc.constantFrom(1 as const, 2 as const) }),
      fc.record({ do: fc.constant('crash' as const), after: fc.nat({ max: 4 }) }),
    );
    return fc.array(step, { maxLength: 6 }).map(more => ({ ...both, more }));
  })
  .chain(shuffled);

/** Each sequence has two accounts of its own, so that none meets the permits of another. */
const accountOf = (account: number, sequence: number) => `${account + 1}${String(sequence).padStart(11, '0')}`;
export const roleOf = ({ who, account }: { who: number; account: number }, sequence: number) =>
  `arn:aws:iam::${accountOf(account, sequence)}:role/p${who}`;
const hex = (of: number, name: number, length: number) =>
  `${of.toString(16)}f${name.toString(16)}`.padStart(length, '0');

export function permitOf(idea: PermitIdea, name: number, sequence: number, base: number): Permit {
  const nonce = idea.of === 'run' ? hex(sequence, name, 32) : '';
  const key = {
    run: nonce,
    gate: `sha256:${hex(sequence, name, 64)}`,
    import: '',
    'break-glass': `break-glass:alice-${sequence}`,
  };
  const wide = idea.of === 'break-glass';
  return {
    id: `pmt_${sequence}_${name}`,
    origin: idea.of,
    of: `its ${idea.of}`,
    // Of an import that is for one account, the principal is of this account.
    principal: idea.of === 'import' ? roleOf({ who: idea.who, account: 0 }, sequence) : '',
    nonce,
    key: key[idea.of],
    actions: wide || idea.action === null ? [] : [`${idea.action}*`],
    resources: wide || idea.resource === null ? [] : [`${idea.resource}.${sequence}`],
    account: wide || idea.account === null ? null : accountOf(idea.account, sequence),
    region: wide ? null : idea.region,
    environment: wide ? null : idea.environment,
    from: base + idea.from,
    until: idea.until === null ? null : base + idea.until,
    state: 'open',
    because: 'it was approved',
    createdAt: base,
    version: 1,
  };
}

export function eventOf(idea: ChangeIdea, name: number, sequence: number, base: number): IncomingChange {
  const account = accountOf(idea.account, sequence);
  const session = idea.mark === null ? `s${name}` : `tocsin-${hex(sequence, idea.mark, 32)}`;
  const state = (text: string) => ({ as: 'facts' as const, facts: { text } });
  const image: Record<string, string> =
    idea.image === null ? {} : { image: `shop@sha256:${hex(sequence, idea.image, 64)}` };
  return {
    kind: 'change',
    title: 'a change',
    labels: {},
    links: [],
    occurredAt: base + idea.at,
    actor: { name: `p${idea.who}`, id: `arn:aws:sts::${account}:assumed-role/p${idea.who}/${session}` },
    action: idea.action,
    resource: { type: 'thing', id: `${idea.resource}.${sequence}` },
    ...(idea.was === null ? {} : { before: state(idea.was) }),
    after: { as: 'facts', facts: { text: idea.became, ...image } },
    account,
    ...(idea.region === null ? {} : { region: idea.region }),
    ...(idea.environment === null ? {} : { environment: idea.environment }),
    ...(idea.address === null ? {} : { address: idea.address }),
    outcome: idea.failed ? { state: 'failure' } : { state: 'success' },
    changeId: `${hex(sequence, name, 8).slice(-8)}-0000-4000-8000-${hex(sequence, name, 12)}`,
  };
}

export interface World {
  place: FlowPlace;
  /** Takes the files of a sequence. */
  begin(sequence: number): void;
  /** Resolves to the id of the event. */
  tell(source: Source, event: IncomingChange): Promise<string>;
  issue(permit: Permit): Promise<void>;
  look(nodes: 1 | 2): Promise<void>;
  /** A node whose commits fail after so many of the next look, and another in its place, which commits no verdict at its first look. */
  crash(after: number): Promise<void>;
}

interface Judge {
  node: FlowNode;
  ledger: Ledger;
  /** The newest entry that it committed itself. */
  newest(): number;
}

export async function startWorld(): Promise<World> {
  const place = await createPlace();
  for (const [name, by] of [
    ['trail', 'hmac'],
    ['bucket', 'hmac'],
    ['open', 'none'],
  ] as const)
    place.set.sources.set(name, { name, driver: listSource({}, by), options: {} });
  let left = Number.POSITIVE_INFINITY;
  let isMute = false;
  const isVerdict = ({ entries = [] }: Change) =>
    entries.some(({ fact }) => fact.kind === 'change.judged' || fact.kind === 'permit.used');
  const failing: Store = {
    ...place.store,
    commit: change =>
      left-- > 0 && !(isMute && isVerdict(change))
        ? place.store.commit(change)
        : Promise.reject(new TocsinError('store-failed')),
  };
  let first = await startJudge(place, place.another(failing));
  const second = await startJudge(place, place.another());
  /** Until it has handled all that anybody committed, and all that followed from that. */
  const settled = async () => {
    const mark = { kind: 'rules.loaded' as const, digest: '', runbooks: 0, rules: 0 };
    for (let head = -1, now = -2; head !== now; now = (await place.store.head()).seq) {
      head = (await place.store.head()).seq;
      const entry = { stream: 'system', actor: system, at: place.clock.now(), fact: mark };
      // A follower waits for what its own process committed last.
      if (first.newest() < head)
        head = (await first.node.feed.commit({ entries: [entry] })).entries.at(-1)?.seq ?? head;
      await first.ledger.caughtUp();
    }
  };
  return {
    place,
    begin(sequence) {
      const role = (who: number) => roleOf({ who, account: 0 }, sequence);
      const known = [{ reason: 'scales', principals: ['*:role/p3'], actions: ['Run*'] }];
      const ledger = z.object(ledgerKeys).parse({ matchAfter: '15m', runPrincipal: [role(0), role(1)], known });
      place.set.changes = { ...place.set.changes, ledger, principals: new Map([[role(2), `alice-${sequence}`]]) };
    },
    async tell(source, event) {
      const [accepted] = await first.node.intake.receive(source, deliveryOf([event], place.clock.now()));
      await settled();
      return accepted?.event ?? '';
    },
    async issue(permit) {
      const at = place.clock.now();
      const entry = {
        stream: streamOf.permit(permit.id),
        actor: system,
        at,
        fact: { kind: 'permit.issued' as const, permit },
      };
      await place.store.commit({ entries: [entry], rows: [{ table: 'document', kind: 'permit', doc: permit }] });
    },
    async look(nodes) {
      await Promise.all((nodes === 1 ? [first] : [first, second]).map(one => one.ledger.look()));
      await settled();
    },
    async crash(after) {
      left = after;
      await first.ledger.look().catch(() => {});
      await first.ledger.stop();
      await first.node.stop();
      left = Number.POSITIVE_INFINITY;
      isMute = true;
      first = await startJudge(place, place.another(failing));
      isMute = false;
      await settled();
    },
  };
}

/** A node whose ledger looks only when it is told to, after the one look with which it begins. */
async function startJudge(place: FlowPlace, node: FlowNode): Promise<Judge> {
  let newest = 0;
  node.feed.onCommit(seq => {
    newest = seq;
  });
  const looked = Promise.withResolvers<void>();
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((_resolve, reject) => {
      looked.resolve();
      if (signal?.aborted) reject(signal.reason);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  const ledger = await startChanges({ ...node, clock: { ...place.clock, sleep } });
  await looked.promise;
  return { node, ledger, newest: () => newest };
}
