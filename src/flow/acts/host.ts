import type { FastifyInstance } from 'fastify';
import { readChart } from '../../kernel/chart/chart.ts';
import type { Drawer } from '../../kernel/chart/draw.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Approval } from '../../model/approval.ts';
import type { Card, DetailsSubject } from '../../model/card.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { ChatHost, CommandView } from '../../ports/chat.ts';
import type { Command } from '../../ports/command.ts';
import type { StepOutline } from '../../ports/runbook.ts';
import type { SignIns } from '../../ports/sign-ins.ts';
import type { Store } from '../../ports/store.ts';
import { explainGate } from '../gates/explain.ts';
import type { JournalWatch } from '../journal/audit-watch.ts';
import type { Feed } from '../journal/feed.ts';
import type { OutputSignals } from '../journal/output-signals.ts';
import type { Identities } from '../people/identify.ts';
import { explain } from '../pipeline/explain.ts';
import type { Beforehand } from '../thread/beforehand/look.ts';
import { maskCard } from '../thread/beforehand/secrets.ts';
import { approvalCard } from '../thread/cards/approval.ts';
import { alertCard, type CardTools, runCard } from '../thread/cards/cards.ts';
import { claimCard } from '../thread/cards/change.ts';
import { gateApprovalCard, gateDetailsCard } from '../thread/cards/gate.ts';
import { planText } from '../thread/cards/plan-text.ts';
import { eventOf } from '../thread/draft/place.ts';
import { perform } from './act.ts';
import { runCommand } from './commands.ts';
import type { ActParts } from './parts.ts';

export interface HostParts {
  clock: Clock;
  log: Log;
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  acts: ActParts;
  identities: Identities;
  signIns: SignIns;
  commands: ReadonlyMap<string, Command>;
  cards: CardTools;
  outline(run: Run): Promise<readonly StepOutline[]>;
  beforehand: Beforehand;
  outputs: OutputSignals;
  journal: JournalWatch;
  fleet: ChatHost['fleet'];
  drawer: Pick<Drawer, 'svg'>;
  troubles: ChatHost['troubles'];
  sources: ChatHost['sources'];
  source: ChatHost['source'];
  overview: ChatHost['overview'];
  http(): FastifyInstance | null;
  baseUrl(): string;
  env(name: string): string | undefined;
  localKey: string | null;
}

/** What chat platforms, the console and HTTP may use of the rest: reads, and authorised acts. */
export function createHost(parts: HostParts): ChatHost {
  const host: ChatHost = {
    clock: parts.clock,
    log: parts.log,
    store: parts.store,
    config: () => parts.catalogue.current().config,
    act: (who, act) => perform(who, act, parts.acts),
    keep: async (name, value) => {
      await parts.feed.commit({ rows: [{ table: 'memo', name, value }] });
    },
    command: (who, line, context) => runCommand(line, who, context, { commands: parts.commands, host }),
    whoIs: account => parts.identities.whoIs(account),
    bearer: token => parts.identities.bearer(token),
    signIns: parts.signIns,
    picture: (id, theme) => pictureOf(id, theme, parts),
    details: (subject, id) => detailsOf(subject, id, parts),
    explain: id => explain(id, parts.acts),
    explainGate: id => explainGate(id, parts.acts),
    catalogue: () => ({ ...parts.catalogue.current().view, problems: parts.catalogue.problems() }),
    fleet: () => parts.fleet(),
    troubles: () => parts.troubles(),
    sources: () => parts.sources(),
    source: name => parts.source(name),
    overview: parts.overview,
    commands: () => [...parts.commands.values()].map(viewOf),
    once: (key, keep) => claimOnce(key, keep, parts),
    membersChanged: (platform, group) => parts.acts.groups.changed(platform, group),
    onChange: listener => parts.feed.onCommit(listener),
    onOutput: (run, listener) => parts.outputs.listen(run, listener),
    journalState: () => parts.journal.state(),
    get http() {
      return parts.http();
    },
    baseUrl: () => parts.baseUrl(),
    env: name => parts.env(name),
    localKey: parts.localKey,
  };
  return host;
}

async function pictureOf(id: string, theme: 'light' | 'dark', parts: HostParts): Promise<string | null> {
  const bytes = await parts.store.blob(id);
  const chart = bytes === null ? null : readChart(bytes);
  return chart === null
    ? null
    : await parts.drawer.svg(chart, { zone: parts.catalogue.current().config.timezone, theme });
}

function viewOf({ id, about, usage, args, examples }: Command): CommandView {
  return { id, about, usage, args, examples };
}

async function claimOnce(key: string, keep: number, { feed, clock }: HostParts): Promise<boolean> {
  try {
    await feed.commit({ guards: [{ kind: 'claim', space: 'chat', key, at: clock.now(), keep }] });
    return true;
  } catch (error) {
    if (isCode(error, 'guard-failed')) return false;
    throw error;
  }
}

async function detailsOf(subject: DetailsSubject, id: string, parts: HostParts): Promise<Card | null> {
  if (subject === 'alert') {
    const alert = await parts.store.alert(id);
    return alert === null ? null : alertCard(alert, parts.cards);
  }
  if (subject === 'run') {
    const run = await parts.store.run(id);
    return run === null ? null : await runDetails(run, parts);
  }
  if (subject === 'gate') return await gateDetails(id, parts);
  const approval = await parts.store.approval(id);
  if (approval === null) return null;
  if (approval.run === null) return await questionDetails(approval, parts);
  const run = await parts.store.run(approval.run);
  if (run === null) return null;
  const [outline, alert, event] = await Promise.all([
    parts.outline(run),
    approval.alert === null ? null : parts.store.alert(approval.alert),
    eventOf(run.event, parts.store),
  ]);
  const card = approvalCard({ approval, run, outline, alert, event, whole: true }, parts.cards);
  const open = approval.state === 'open';
  return (await parts.beforehand.look(card, { approval, run, alert, open }, 'press')).card;
}

/** The whole of a gate: the vote is given here while it is open, and taken back here afterwards. */
async function gateDetails(id: string, { store, cards }: HostParts): Promise<Card | null> {
  const gate = await store.document('gate', id);
  if (gate === null) return null;
  return gateDetailsCard(gate, gate.approval === null ? null : await store.approval(gate.approval), cards);
}

async function questionDetails(approval: Approval, { store, cards }: HostParts): Promise<Card | null> {
  if (approval.claim !== null) return claimCard(approval, await store.document('held', approval.claim), cards);
  const gate = approval.gate === null ? null : await store.document('gate', approval.gate);
  return gate === null ? null : gateApprovalCard(approval, gate, cards);
}

/** The run's card, and the plan as it runs. */
async function runDetails(run: Run, parts: HostParts): Promise<Card> {
  const card = runCard(run);
  const outline = await parts.outline(run);
  if (outline.length === 0) return card;
  return maskCard({ ...card, blocks: [...card.blocks, { kind: 'code', text: planText(outline) }] }, run.params);
}
