import { z } from 'zod';
import { type Permit, permit } from '../../model/ledger/permit.ts';
import { permitRequest } from '../../model/ledger/permit-request.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, nextPage, none, page, reason, refusals, withId } from './common.ts';
import { onceHeader } from './once.ts';

// The mark of a run is for its steps alone.
const permitDoc = permit.omit({ nonce: true, key: true, version: true }).meta({ id: 'Permit' });

function showPermit({ nonce: _, key: __, version: ___, ...shown }: Permit): z.infer<typeof permitDoc> {
  return shown;
}

const time = z.iso.datetime({ offset: true }).transform(text => Date.parse(text));

const importPermit = defineRoute({
  method: 'POST',
  path: '/permits',
  about:
    'Imports what was approved elsewhere, for callers that changes.yaml names under importers and within what they may permit. The same permit of the same change is issued once.',
  params: none,
  query: none,
  body: permitRequest
    .extend({
      from: time.optional().meta({ description: 'From when, RFC 3339; from its arrival on when left out.' }),
      until: time.meta({ description: 'Until when, RFC 3339.' }),
    })
    .meta({ id: 'PermitRequest' }),
  headers: onceHeader('Your own name for this permit. For 24 h the same key is for the same permit.'),
  answers: { 200: { about: 'The permit.', schema: permitDoc }, ...refusals(400, 401, 403, 409, 422) },
  async handle({ body, who, parts, headers }) {
    const once = headers['idempotency-key'];
    const answer = await perform(parts, who, { kind: 'permit', permit: body, ...(once !== undefined && { once }) });
    return {
      status: 200,
      json: showPermit(found(await parts.store.document('permit', answer.permit ?? ''), 'permit', '')),
    };
  },
});

const endPermit = defineRoute({
  method: 'DELETE',
  path: '/permits/{id}',
  about:
    'Takes back a permit that was imported: by who imported it, or an operator. What was done before stays permitted.',
  params: withId,
  query: none,
  body: z.strictObject({ reason }).default({}),
  answers: { 200: { about: 'The permit.', schema: permitDoc }, ...refusals(400, 401, 403, 404, 409) },
  async handle({ params, body, who, parts }) {
    await perform(parts, who, { kind: 'unpermit', permit: params.id, reason: body.reason ?? null });
    return {
      status: 200,
      json: showPermit(found(await parts.store.document('permit', params.id), 'permit', params.id)),
    };
  },
});

const listPermits = defineRoute({
  method: 'GET',
  path: '/api/v1/permits',
  about: 'Lists permits, the latest first, without the marks of runs. Times are milliseconds since the epoch.',
  params: none,
  query: z.strictObject({
    state: z.enum(['open', 'ended']).optional(),
    principal: z.string().max(512).optional(),
    ...page,
  }),
  body: null,
  answers: { 200: { about: 'The permits.', schema: z.array(permitDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, principal, limit, after } = query;
    const by = { ...(state && { state }), ...(principal && { other: principal }), ...(after && { after }) };
    const found = await parts.store.documents('permit', { limit, ...by });
    return { status: 200, json: found.map(showPermit), ...nextPage('/api/v1/permits', query, found, limit) };
  },
});

export const permitRoutes = [importPermit, endPermit, listPermits];
