import type { z } from 'zod';
import { approvalDoc, runDoc } from '../../http/docs.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { visibleLine } from '../../kernel/text.ts';
import { shortHash } from '../../model/plan.ts';
import { stepWord } from '../../model/run.ts';
import { type Client, createClient } from '../client.ts';
import { type CliCommand, type CliInput, optionOf, usage } from '../command.ts';
import { plain } from '../plain.ts';
import { exitCode, type Terminal } from '../terminal.ts';

type ApprovalDoc = z.infer<typeof approvalDoc>;
type RunDoc = z.infer<typeof runDoc>;

const common = [
  { name: 'reason', about: 'Why, for the thread and the journal.', value: 'text' },
  { name: 'json', about: 'Print the approval afterwards as JSON.', value: null },
] as const;

export const approve: CliCommand = {
  name: 'approve',
  about:
    'Shows the plan that waits for votes with all that runs and its warnings, and approves exactly this plan after a question.',
  usage: '<approval | run>',
  options: [
    ...common,
    {
      name: 'plan',
      about: 'The plan that is approved, as list and the card show it: 10 characters or more.',
      value: 'hash',
    },
    { name: 'yes', about: 'Do not ask. It needs --plan, so that nothing else is approved.', value: null },
  ],
  words: { least: 1, most: 1 },
  examples: ['tocsin approve apv_4f1c9a', 'tocsin approve apv_4f1c9a --plan 9f2c11aa03 --yes --reason "looked at it"'],
  async run(input, terminal) {
    const client = createClient(terminal);
    const approval = await findApproval(input.words[0] ?? '', client);
    const plan = optionOf(input, 'plan');
    if (plan !== null) assertPlan(plan, approval);
    terminal.err(plain(await showPlan(approval, client)));
    if (!(await isConfirmed(input, approval, terminal))) {
      terminal.err('Not approved: nothing was sent.');
      return exitCode.failed;
    }
    return await vote('approve', approval, input, { client, terminal });
  },
};

export const deny: CliCommand = {
  name: 'deny',
  about: 'Denies what waits for votes; one veto is enough.',
  usage: '<approval | run>',
  options: common,
  words: { least: 1, most: 1 },
  examples: ['tocsin deny apv_4f1c9a --reason "not on a Friday"'],
  async run(input, terminal) {
    const client = createClient(terminal);
    return await vote('deny', await findApproval(input.words[0] ?? '', client), input, { client, terminal });
  },
};

/** By its own id, or by that of the run which waits for it. */
async function findApproval(id: string, client: Client): Promise<ApprovalDoc> {
  const get = (one: string) => client.json(approvalDoc, 'GET', `/api/v1/approvals/${encodeURIComponent(one)}`);
  if (!id.startsWith('run_')) return await get(id);
  const run = await client.json(runDoc, 'GET', `/api/v1/runs/${encodeURIComponent(id)}`);
  if (run.approval !== null) return await get(run.approval);
  throw new TocsinError('conflict', { message: `This run waits for no vote: it is ${run.state}.`, given: id });
}

function assertPlan(plan: string, { planHash }: ApprovalDoc): void {
  if (!/^[0-9a-f]{10,64}$/.test(plan))
    throw usage(approve, `--plan ${JSON.stringify(plan.slice(0, 100))} is not the hash of a plan.`);
  if (planHash.startsWith(plan)) return;
  throw new TocsinError('plan-changed', {
    message: 'The plan that waits is not the one that you name.',
    given: plan,
    allowed: shortHash(planHash),
    remedy: 'Look at the plan as it is now, without --yes.',
  });
}

/** Whether the person, or --yes with the plan, says yes to exactly this. Throws `usage-invalid` where nobody can be asked. */
async function isConfirmed(input: CliInput, approval: ApprovalDoc, terminal: Terminal): Promise<boolean> {
  const plan = optionOf(input, 'plan');
  if (input.options.has('yes')) {
    if (plan !== null) return true;
    throw usage(approve, '--yes needs --plan: a vote names the plan that was looked at.');
  }
  if (terminal.ask === undefined)
    throw usage(approve, 'Nobody can be asked here: give --yes with --plan, the plan that was looked at.');
  const short = shortHash(approval.planHash);
  const answer = await terminal.ask(`Type ${short} to approve this plan, anything else to leave it: `);
  return answer.trim() === short;
}

async function vote(
  word: 'approve' | 'deny',
  approval: ApprovalDoc,
  input: CliInput,
  { client, terminal }: { client: Client; terminal: Terminal },
): Promise<number> {
  const reason = optionOf(input, 'reason');
  const json = { vote: word, plan: approval.planHash, ...(reason !== null && { reason }) };
  const after = await client.json(approvalDoc, 'POST', `/api/v1/approvals/${approval.id}/votes`, { json });
  terminal.out(input.options.has('json') ? JSON.stringify(after, null, 2) : plain(showAfter(after)));
  return exitCode.ok;
}

function showAfter({ id, title, state, missing, by }: ApprovalDoc): string {
  const rest = state === 'open' ? `, ${missing} more of ${by.join(', ')} needed` : '';
  return `${id}  ${title}: ${state}${rest}`;
}

/** What is voted on: the question, whom and what it concerns, and the steps with what is known of them beforehand. */
async function showPlan(approval: ApprovalDoc, client: Client): Promise<string> {
  const run =
    approval.run === null ? null : await client.json(runDoc, 'GET', `/api/v1/runs/${encodeURIComponent(approval.run)}`);
  const facts: [name: string, value: string][] = [
    ['runbook', `${approval.runbook}, risk ${approval.risk}`],
    ...(run === null ? [] : factsOf(run)),
    ['asked by', `the rule "${approval.rule}"`],
    ['voters', `${approval.missing} more of ${approval.by.join(', ')}, until ${approval.expiresAt}`],
    ['plan', shortHash(approval.planHash)],
  ];
  const lines = facts.map(([name, value]) => `  ${name.padEnd(9)} ${oneLine(value)}`);
  return [
    `${approval.id}  ${oneLine(approval.title)}: ${approval.state}`,
    `  ${oneLine(approval.question)}`,
    ...lines,
    ...showRead(approval),
  ].join('\n');
}

/** What a card shows above its buttons: all that runs, and what to know before one says yes. */
function showRead({ commands = '', warnings = [] }: ApprovalDoc): string[] {
  return [
    ...(commands === '' ? [] : ['  runs', ...commands.split('\n').map(line => `    ${line}`)]),
    ...(warnings.length === 0 ? [] : ['  before you approve', ...warnings.map(one => `    ! ${oneLine(one)}`)]),
  ];
}

function factsOf(run: RunDoc): [string, string][] {
  const params = Object.entries(run.params).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    ...(params.length === 0 ? [] : [['params', params.join(' ')] as [string, string]]),
    ...(run.targets.length === 0
      ? []
      : [['targets', `${run.targets.length}: ${run.targets.join(', ')}`] as [string, string]]),
    [
      'requested',
      `${run.requestedBy}${run.alert === null ? '' : ` for ${run.alert}`}${run.reason === null ? '' : `: ${run.reason}`}`,
    ],
    ...run.steps.map((step, at): [string, string] => [
      `step ${at + 1}`,
      `${step.id}: ${step.title} (${stepWord(step, run)})`,
    ]),
  ];
}

/** Blanks stay as they are: a target of `web-1` and one of ` web-1` are two. */
function oneLine(text: string): string {
  return visibleLine(text);
}
