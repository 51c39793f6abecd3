import { namespaceEntry } from '../../model/gates/kubernetes-door.ts';
import type { KubernetesDoor } from '../../ports/catalogue.ts';
import { type Answer, answerOf, denied, type ImageVerdict, pass } from './answer.ts';
import type { Wanted } from './decisions.ts';
import { glassOf } from './glass.ts';
import { type NamedImage, newImages } from './images.ts';
import type { Review } from './review.ts';
import { createRulings, type RulingParts } from './rulings.ts';

export interface JudgeParts extends RulingParts {
  linkTo(gate: string): string;
}

/** The most images of one object that are looked at. */
const mostImages = 50;

/** Answers reviews. Rejects when decisions cannot be read or written. */
export function createJudge(parts: JudgeParts) {
  const { rule, breakGlass } = createRulings(parts);
  return async (review: Review, door: KubernetesDoor): Promise<Answer> => {
    if (review.operation === 'DELETE' || review.operation === 'CONNECT') return pass;
    const found = newImages(review);
    if (found.kind === 'unknown')
      return denied(
        `Tocsin does not know where ${review.kind} of "${review.group}" names its images; take it out of the rules of the webhook configuration`,
      );
    if (found.kind === 'broken') return denied(`${found.at} is not what the API has there`);
    if (found.images.length === 0) return pass;
    if (found.images.length > mostImages)
      return denied(`the object brings ${found.images.length} images at once, and at most ${mostImages} are looked at`);
    const place = namespaceEntry(door, review.namespace);
    if (place === null)
      return denied(`the namespace "${review.namespace}" is not under doors.kubernetes.namespaces of gates.yaml`);
    const glass = glassOf(review, door);
    const verdicts = await Promise.all(
      found.images.map(async image => {
        const wanted = wantedOf(image, review, place, door);
        if (wanted === null) return unpinned(image);
        const ruling =
          glass.kind === 'broken'
            ? await breakGlass(glass.reason, review, wanted, door)
            : await rule(wanted, door, review.dryRun);
        return { ...ruling, image: image.written };
      }),
    );
    return answerOf(verdicts, glass.kind === 'refused' ? glass.because : null, parts.linkTo);
  };
}

function wantedOf(
  { pinned, digest }: NamedImage,
  { namespace, user, kind, group }: Review,
  { environment, service }: { environment: string; service?: string | undefined },
  { cluster, controllers, denialStands }: KubernetesDoor,
): Wanted | null {
  if (pinned === null || digest === null) return null;
  const actor = user.replace(/\p{C}/gu, '?').slice(0, 200);
  return {
    subject: {
      image: pinned,
      environment,
      ...(service === undefined ? {} : { service }),
      ...(actor === '' ? {} : { actor }),
    },
    ...{ digest, environment, namespace, cluster, denialStands },
    // An owner reference proves nothing: everybody may write one. The API server proves the user.
    byController: kind === 'Pod' && group === '' && controllers.includes(user),
  };
}

function unpinned({ written, container }: NamedImage): ImageVerdict {
  const because =
    written === ''
      ? `the container "${container}" names no image`
      : 'a tag may be moved after the approval; write name@sha256:…, as the registry or `docker buildx imagetools inspect` shows it';
  return { verdict: 'deny', image: written, because, gate: null, rule: 'digest', glass: false };
}
