import { z } from 'zod';
import { canonicalJson, sha256 } from '../../kernel/canonical.ts';

const word = z
  .string()
  .max(200)
  .regex(
    /^[^\s\p{C}]+$/u,
    'it is empty or has spaces or control characters; allowed is one word of 1 to 200 characters',
  );

/** A line of text without control characters. */
const line = z
  .string()
  .max(200)
  .regex(/^[^\p{C}]+$/u, 'it is empty or has control characters; allowed is one line of 1 to 200 characters');

/**
 * What is about to be done. An approval is bound to its canonical JSON, so every key that is given is part of what people approve. All keys
 * are optional here; a gate of gates.yaml says which it needs (`subject:`).
 */
export const subject = z.strictObject({
  repository: word.optional().meta({ description: 'The repository, for example acme/checkout.' }),
  sha: z
    .string()
    .regex(
      /^([0-9a-f]{40}|[0-9a-f]{64})$/,
      'it is not the full id of a commit; allowed are 40 or 64 lower-case hexadecimal digits',
    )
    .optional()
    .meta({ description: 'The full id of the commit.' }),
  image: z
    .string()
    .max(500)
    .regex(
      /^[^\s@\p{C}]+@sha256:[0-9a-f]{64}$/u,
      'it has no digest; allowed is name@sha256:… with 64 lower-case hexadecimal digits, because a tag may be moved after the approval',
    )
    .optional()
    .meta({ description: 'The image with its digest: registry.example/checkout@sha256:…' }),
  environment: line.optional().meta({ description: 'Where it goes: production.' }),
  service: word.optional().meta({ description: 'The service: checkout.' }),
  change: line.optional().meta({ description: 'The change or ticket, for example CHG-4411.' }),
  actor: line.optional().meta({ description: 'Who asked for it, by the name that the caller knows them by.' }),
  links: z
    .array(z.strictObject({ label: line, url: z.url({ protocol: /^https?$/ }).max(1000) }))
    .max(10)
    .optional()
    .meta({ description: 'Where people can read more.' }),
});
export type Subject = z.infer<typeof subject>;

/** The canonical JSON of what an approval is bound to. */
export function subjectBytes(gate: string, of: Subject): string {
  return canonicalJson({ gate, subject: of });
}

/** SHA-256 over `subjectBytes`, lower-case hex. The same question has the same hash, whoever asks it how often. */
export function subjectHash(gate: string, of: Subject): string {
  return sha256(subjectBytes(gate, of));
}

/** `sha256:…` of the image; null without one. */
export function digestOf({ image }: Subject): string | null {
  return image === undefined ? null : image.slice(image.indexOf('@') + 1);
}

/** One line for people: `checkout to production, registry.example/checkout@sha256:0f1e2d3c4b…`. */
export function subjectText(of: Subject): string {
  const what = of.service ?? of.repository ?? (of.image === undefined ? 'a change' : nameOfImage(of.image));
  const where = of.environment === undefined ? '' : ` to ${of.environment}`;
  const which = of.sha !== undefined ? of.sha.slice(0, 10) : shortDigest(digestOf(of));
  return `${what}${where}${which === null ? '' : `, ${which}`}`;
}

function nameOfImage(image: string): string {
  return image.slice(0, image.indexOf('@')).split('/').at(-1) ?? image;
}

/** `sha256:0f1e2d3c4b`, as people compare it. */
export function shortDigest(digest: string | null): string | null {
  return digest === null ? null : digest.slice(0, 'sha256:'.length + 10);
}
