import { digestOf, type Subject, shortDigest } from '../subject.ts';
import type { About } from './reading.ts';

/** Whether a document is of the subject. `other`: it names another one. `unnamed`: it does not say. */
export type Binding = { kind: 'bound' } | { kind: 'other' | 'unnamed'; because: string };

/** Pure: holds what a document is about against the subject. */
export function bindTo(about: About, subject: Pick<Subject, 'image' | 'sha'>): Binding {
  const digest = digestOf(subject);
  const { sha } = subject;
  const { digests, commits, perhaps } = about;
  if (digest !== null && (digests.includes(digest) || perhaps.includes(digest))) return { kind: 'bound' };
  // One that names images, and not this one, is of another also when it was built of the same commit.
  if (digest !== null && digests.length > 0)
    return { kind: 'other', because: `it is of ${namesOf(digests)}, and the subject is ${shortDigest(digest)}` };
  if (sha !== undefined && commits.includes(sha)) return { kind: 'bound' };
  if (sha !== undefined && commits.length > 0)
    return {
      kind: 'other',
      because: `it is of the commit ${namesOf(commits)}, and the subject is ${sha.slice(0, 10)}`,
    };
  if (digests.length + commits.length > 0)
    return { kind: 'unnamed', because: 'the subject has nothing of what it names: it needs its image, or its sha' };
  return { kind: 'unnamed', because: 'it does not say by digest which image or commit it is of' };
}

function namesOf([first = '', ...more]: readonly string[]): string {
  const short = first.startsWith('sha256:') ? (shortDigest(first) ?? '') : first.slice(0, 10);
  return more.length === 0 ? short : `${short} and ${more.length} more`;
}
