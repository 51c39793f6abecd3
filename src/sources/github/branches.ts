import { z } from 'zod';

/** `default`, or names in which `*` stands for any text. */
export const branches = z.union([z.literal('default'), z.array(z.string().min(1).max(255)).min(1).max(100)]);

interface Given {
  branches?: z.infer<typeof branches> | undefined;
}

/** True when what happens on this branch of the repository itself makes alerts. */
export function isWatched({ branches: watched }: Given, name: string, defaultBranch: string | null): boolean {
  if (watched === undefined) return true;
  if (watched === 'default') return name === defaultBranch;
  return watched.some(pattern => matches(name, pattern));
}

/** `*` stands for any text. Linear in both: each part is looked for once, from where the one before ended. */
function matches(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
