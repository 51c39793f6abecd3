import type { Actor } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import { groupFacts } from '../../model/config.ts';
import type { Run } from '../../model/run.ts';
import type { Account } from './account.ts';
import type { SlackContext } from './context.ts';
import { asking } from './failure.ts';
import { keptHere } from './groups.ts';
import { renderPrivate } from './press.ts';
import { flatten, renderNotice, type SlackMessage } from './render.ts';
import { line, literal, richText, type SlackBlock, section } from './text.ts';

/** What the page shows of each list. */
const mostApprovals = 6;
const mostRuns = 10;
/** Slack takes 100 blocks in a home. */
const mostBlocks = 95;

/** The page of one person; `notice` is what came of what they pressed on it. */
export async function renderHome(
  account: Account,
  notice: SlackMessage | null,
  ctx: SlackContext,
): Promise<SlackBlock[]> {
  const who = await ctx.identify.who(account);
  const blocks = who.kind === 'stranger' ? strangerPage(who.because) : await page(who, account.user, notice, ctx);
  return blocks.slice(0, mostBlocks);
}

export async function publishHome(account: Account, blocks: SlackBlock[], ctx: SlackContext): Promise<void> {
  const view = { type: 'home' as const, blocks };
  await asking({ method: 'views.publish' }, ctx.client.views.publish({ user_id: account.user, view }));
}

function strangerPage(because: string): SlackBlock[] {
  return renderNotice(`You are not known here: ${because}.`, 'error').blocks;
}

async function page(who: Actor, user: string, notice: SlackMessage | null, ctx: SlackContext): Promise<SlackBlock[]> {
  const { store } = ctx.host;
  const open = await store.approvals({ state: 'open', limit: 200 });
  const mine: Approval[] = [];
  for (const one of open) if (await waitsFor(one, who, user, ctx)) mine.push(one);
  const running = await store.runs({ states: ['queued', 'running', 'asking'], limit: mostRuns });
  const recent = await store.runs({
    states: ['succeeded', 'failed', 'ineffective', 'unconfirmed', 'cancelled', 'denied', 'expired'],
    limit: mostRuns,
  });
  return [
    ...(notice === null ? [] : flatten(notice)),
    heading(`Waiting for you: ${mine.length}`),
    ...(await approvalBlocks(mine, ctx)),
    heading(`Running: ${running.length}`),
    ...runBlocks(running),
    heading('Recent'),
    ...runBlocks(recent),
  ];
}

function heading(text: string): SlackBlock {
  return richText(section(line(text, 80, { bold: true })));
}

async function approvalBlocks(mine: readonly Approval[], ctx: SlackContext): Promise<SlackBlock[]> {
  const blocks: SlackBlock[] = [];
  for (const one of mine.slice(0, mostApprovals)) {
    const card = await ctx.host.details('approval', one.id);
    if (card !== null) blocks.push(...flatten(renderPrivate(card, ctx)), { type: 'divider' });
  }
  const left = mine.length - mostApprovals;
  if (left > 0) blocks.push(richText(section(literal(`… ${left} more; /tocsin list shows them`))));
  return blocks;
}

function runBlocks(runs: readonly Run[]): SlackBlock[] {
  if (runs.length === 0) return [richText(section(literal('none', { italic: true })))];
  const rows = runs.flatMap((run, index) => [
    ...(index === 0 ? [] : [literal('\n')]),
    line(run.title, 120),
    literal('  '),
    line(run.state, 40, { code: true }),
    literal('  '),
    line(run.id, 60),
  ]);
  return [richText(section(...rows))];
}

/** Whether somebody may still vote on it, as far as can be shown; whether the vote counts is decided when it is given. */
async function waitsFor(approval: Approval, who: Actor, user: string, ctx: SlackContext): Promise<boolean> {
  if (who.kind !== 'person' || approval.barred.includes(`person:${who.id}`)) return false;
  if (approval.votes.some(vote => vote.person === who.id)) return false;
  for (const name of approval.ask.by) {
    const facts = groupFacts(ctx.host.config(), name);
    if (facts === null ? name === who.id : facts.members.includes(who.id)) return true;
    const kept = keptHere(name, ctx.host.config());
    if (kept !== null && (await inUserGroup(kept, user, ctx))) return true;
  }
  return false;
}

async function inUserGroup(name: string, user: string, ctx: SlackContext): Promise<boolean> {
  const members = await ctx.groups.lately(name).catch(() => null);
  return members?.some(account => account.endsWith(`/${user}`)) === true;
}
