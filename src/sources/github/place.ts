import type { Place } from '../../kernel/github-app.ts';
import type { Alert } from '../../model/alert.ts';
import { isTaken, type Options } from './options.ts';

/** Null for an alert without a commit (Dependabot, secret scanning), and for a repository that is not taken any more. */
export function placeOf({ labels }: Alert, given: Options): { place: Place; sha: string } | null {
  const [owner = '', name = '', ...more] = (labels['repository'] ?? '').split('/');
  const sha = labels['sha'] ?? '';
  const isPlace = [owner, name].every(part => /^[A-Za-z0-9._-]{1,100}$/.test(part) && !/^\.+$/.test(part));
  const isCommit = /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(sha);
  if (!isPlace || !isCommit || more.length > 0 || !isTaken(given, owner, name)) return null;
  return { place: { owner, name }, sha };
}

/** Words as words: as Markdown they could mention people, close issues or hide something. */
export function plain(text: string): string {
  const fence = '~'.repeat(Math.max(3, ...[...text.matchAll(/~+/g)].map(([run]) => run.length + 1)));
  return `${fence}text\n${text}\n${fence}`;
}
