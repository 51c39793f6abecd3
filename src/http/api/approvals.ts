import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { approvalState } from '../../model/approval.ts';
import { approvalDoc, showApproval } from '../docs.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, id, nextPage, none, page, reason, refusals, withId } from './common.ts';

const listApprovals = defineRoute({
  method: 'GET',
  path: '/api/v1/approvals',
  about: 'Lists approvals, newest first.',
  params: none,
  query: z.strictObject({ state: approvalState.optional(), run: id.optional(), ...page }),
  body: null,
  answers: { 200: { about: 'The approvals.', schema: z.array(approvalDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, run, limit, after } = query;
    const approvals = await parts.store.approvals({
      limit,
      ...(state && { state }),
      ...(run && { run }),
      ...(after && { after }),
    });
    return {
      status: 200,
      json: approvals.map(showApproval),
      ...nextPage('/api/v1/approvals', query, approvals, limit),
    };
  },
});

const getApproval = defineRoute({
  method: 'GET',
  path: '/api/v1/approvals/{id}',
  about: 'Shows one approval with its votes and how many are missing.',
  params: withId,
  query: none,
  body: null,
  answers: { 200: { about: 'The approval.', schema: approvalDoc }, ...refusals(400, 401, 404) },
  async handle({ params, parts }) {
    const approval = found(await parts.store.approval(params.id), 'approval', params.id);
    const shown = showApproval(approval);
    if (approval.state !== 'open' || approval.run === null) return { status: 200, json: shown };
    const card = await parts.host.details('approval', approval.id);
    const warnings = card?.blocks.flatMap(block => (block.kind === 'warnings' ? block.items : [])) ?? [];
    const codes = card?.blocks.flatMap(block => (block.kind === 'code' ? [block.text] : [])) ?? [];
    return { status: 200, json: { ...shown, warnings, commands: codes.join('\n') } };
  },
});

const castVote = defineRoute({
  method: 'POST',
  path: '/api/v1/approvals/{id}/votes',
  about:
    'Votes as the person that the token belongs to. One veto denies; a person votes once, and never on an own request. With `plan` the vote counts for that plan only.',
  params: withId,
  query: none,
  body: z
    .strictObject({
      vote: z.enum(['approve', 'deny']),
      plan: z
        .string()
        .regex(/^[0-9a-f]{10,64}$/, { error: 'the hash of a plan has 10 to 64 hexadecimal digits' })
        .optional()
        .meta({ description: 'The plan that was looked at: its hash, or the beginning of it as cards show it.' }),
      reason,
    })
    .meta({ id: 'VoteRequest' }),
  answers: {
    200: { about: 'The approval after the vote.', schema: approvalDoc },
    ...refusals(400, 401, 403, 404, 409),
  },
  async handle({ params, body, who, parts }) {
    const { planHash } = found(await parts.store.approval(params.id), 'approval', params.id);
    if (body.plan !== undefined && !planHash.startsWith(body.plan))
      throw new TocsinError('plan-changed', {
        message: 'The plan that waits for votes is not the one that was looked at.',
        given: body.plan,
        allowed: planHash,
        remedy: 'Look at the plan that waits now, and vote on that.',
      });
    const act = {
      kind: 'vote',
      approval: params.id,
      vote: body.vote,
      reason: body.reason ?? null,
      seal: null,
    } as const;
    await perform(parts, who, act);
    return { status: 200, json: showApproval(found(await parts.store.approval(params.id), 'approval', params.id)) };
  },
});

export const approvalRoutes = [listApprovals, getApproval, castVote];
