import type { BadThing } from './known-bad.ts';
import { commitId, imageDigest } from './known-bad-file.ts';
import { comparedEcosystems, isRange, readPurl } from './purl.ts';

/**
 * Reads what somebody typed: a digest or an image with it, the full id of a commit, a purl with a version, or with a range such as
 * `pkg:npm/left-pad@<1.3.1`. Null when it is none of these.
 */
export function readBadWord(text: string): BadThing | null {
  const word = text.trim();
  const digest = word.slice(word.indexOf('@') + 1);
  if (!word.startsWith('pkg:') && imageDigest.safeParse(digest).success) return { kind: 'image', digest };
  if (commitId.safeParse(word).success) return { kind: 'commit', sha: word };
  return word.startsWith('pkg:') ? readPackage(word) : null;
}

/** For people: what may stand there. */
export const badWords =
  'sha256:… of an image, the full id of a commit, or a purl with a version (pkg:npm/left-pad@1.3.0)';

function readPackage(word: string): BadThing | null {
  const split = /^(.+?[^/])@(\s*[<>=^~*].*)$/.exec(word);
  if (split?.[1] !== undefined && split[2] !== undefined) {
    const named = readPurl(split[1]);
    const range = split[2].trim();
    if (named === null || named.version !== '' || !comparedEcosystems.includes(named.type) || !isRange(range))
      return null;
    return { kind: 'package', purl: named.purl, versions: [], ranges: [range] };
  }
  const named = readPurl(word);
  if (named === null || named.version === '') return null;
  return { kind: 'package', purl: named.purl, versions: [named.version], ranges: [] };
}
