import type { Json } from '../../kernel/canonical.ts';
import { type PermitRequest, permitRequest } from '../../model/ledger/permit-request.ts';
import { evaluate, unmapped } from './cel.ts';
import type { Facts, Options } from './options.ts';
import { readTime } from './times.ts';

export type PermitMapping = NonNullable<Options['map']['permit']>;

/** What is permitted. Nothing of it is cut or guessed: throws TocsinError `bad-body` that names the mapping of what cannot be taken. */
export function permitOf(
  facts: Facts,
  mapping: PermitMapping,
  { title, fingerprint }: { title: string; fingerprint: string },
): PermitRequest {
  const text = (name: 'account' | 'region' | 'environment' | 'change' | 'reason' | 'principal') => {
    const expression = mapping[name];
    const value = expression === undefined ? '' : evaluate(`map.permit.${name}`, expression, facts).trim();
    return value === '' ? undefined : value;
  };
  const list = (name: 'actions' | 'resources') => {
    const expression = mapping[name];
    return expression === undefined ? [] : listOf(name, evaluate(`map.permit.${name}`, expression, facts));
  };
  const time = (name: 'from' | 'until') => {
    const expression = mapping[name];
    const at = expression === undefined ? null : readTime(evaluate(`map.permit.${name}`, expression, facts));
    if (at === 'unreadable') throw unmapped(`map.permit.${name}`, 'a time with a zone');
    return at ?? undefined;
  };
  const made = permitRequest.safeParse({
    ...{ principal: text('principal'), actions: list('actions'), resources: list('resources') },
    ...{ account: text('account'), region: text('region'), environment: text('environment') },
    ...{ from: time('from'), until: time('until') },
    ...{ change: text('change') ?? fingerprint, reason: text('reason') ?? title },
  });
  if (made.success) return made.data;
  const [issue] = made.error.issues;
  throw unmapped(`map.permit.${String(issue?.path[0] ?? 'principal')}`, `what a permit may be: ${issue?.message}`);
}

/** An empty list permits anything, so only what is not mapped at all is one: a field that is missing in a ticket permits nothing. */
function listOf(name: string, value: Json): unknown[] {
  const list = typeof value === 'string' ? [value] : value;
  if (Array.isArray(list) && list.length > 0) return list;
  throw unmapped(`map.permit.${name}`, 'a text, or a list of texts that is not empty');
}
