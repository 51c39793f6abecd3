import { z } from 'zod';
import { type Held, held, heldState } from '../../model/ledger/held.ts';
import { withoutMarks } from '../../model/ledger/principal.ts';
import { defineRoute } from '../route.ts';
import { nextPage, none, page, refusals } from './common.ts';

// The mark of a run is for its steps alone.
const changeDoc = held.omit({ nonce: true, version: true }).meta({ id: 'HeldChange' });

function showChange({ nonce: _, version: __, ...shown }: Held): z.infer<typeof changeDoc> {
  // A session may be called after the mark, too.
  return { ...shown, actor: withoutMarks(shown.actor) };
}

const listChanges = defineRoute({
  method: 'GET',
  path: '/api/v1/changes',
  about: 'Lists the changes that are held against permits, the latest first. Times are milliseconds since the epoch.',
  params: none,
  query: z.strictObject({ state: heldState.optional(), resource: z.string().max(512).optional(), ...page }),
  body: null,
  answers: { 200: { about: 'The changes.', schema: z.array(changeDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, resource, limit, after } = query;
    const by = { ...(state && { state }), ...(resource && { other: resource }), ...(after && { after }) };
    const found = await parts.store.documents('held', { limit, ...by });
    return { status: 200, json: found.map(showChange), ...nextPage('/api/v1/changes', query, found, limit) };
  },
});

export const changeRoutes = [listChanges];
