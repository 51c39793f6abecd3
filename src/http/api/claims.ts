import { z } from 'zod';
import { approvalDoc, showApproval } from '../docs.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, none, refusals, withId } from './common.ts';

const claim = defineRoute({
  method: 'POST',
  path: '/api/v1/changes/{id}/claim',
  about:
    'Says as the person of the token that an unpermitted change was theirs. A second person is asked whether it may stand.',
  params: withId,
  query: none,
  body: z.strictObject({ reason: z.string().min(1).max(1000) }).meta({ id: 'ClaimRequest' }),
  answers: {
    200: { about: 'The approval that asks for votes.', schema: approvalDoc },
    ...refusals(400, 401, 403, 404, 409),
  },
  async handle({ params, body, who, parts }) {
    const { approval = '' } = await perform(parts, who, { kind: 'claim', change: params.id, reason: body.reason });
    return { status: 200, json: showApproval(found(await parts.store.approval(approval), 'approval', approval)) };
  },
});

export const claimRoutes = [claim];
