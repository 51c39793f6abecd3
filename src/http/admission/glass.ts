import type { Json } from '../../kernel/canonical.ts';
import { breakGlassAnnotation } from '../../model/gates/kubernetes-door.ts';
import type { KubernetesDoor } from '../../ports/catalogue.ts';
import { isObject, type Review } from './review.ts';

export type GlassAsked = { kind: 'none' } | { kind: 'broken'; reason: string } | { kind: 'refused'; because: string };

const longestReason = 300;

/**
 * Whether the request breaks the glass. The annotation counts only on the object itself, from a member of the group, and in the request that
 * brings it: one that stayed on the object since an earlier emergency breaks nothing.
 */
export function glassOf({ object, oldObject, groups, operation }: Review, { breakGlass }: KubernetesDoor): GlassAsked {
  const given = annotationOf(object);
  if (given === undefined) return { kind: 'none' };
  const refused = (because: string): GlassAsked => ({
    kind: 'refused',
    because: `${breakGlassAnnotation}: ${because}`,
  });
  if (breakGlass === undefined) return refused('doors.kubernetes.breakGlass of gates.yaml lets nobody break the glass');
  if (!groups.includes(breakGlass.group)) return refused(`only members of ${breakGlass.group} break the glass`);
  if (operation === 'UPDATE' && annotationOf(oldObject) === given)
    return refused('the annotation is from before; a new emergency needs a new reason');
  const reason = typeof given === 'string' ? given.replace(/[\p{C}\s]+/gu, ' ').trim() : '';
  if (reason === '') return refused('the annotation needs a reason');
  return { kind: 'broken', reason: reason.slice(0, longestReason) };
}

function annotationOf(object: Json | null): Json | undefined {
  const metadata = isObject(object) ? object['metadata'] : undefined;
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  return isObject(annotations) ? annotations[breakGlassAnnotation] : undefined;
}
