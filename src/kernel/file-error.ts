import { messageOf, TocsinError } from './errors.ts';

/** What the codes of errno(3) mean for the person who named the file. */
const words: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EEXIST: 'a file of this name is there already',
  EACCES: 'this user has no access to it',
  EPERM: 'this user has no access to it',
  EROFS: 'the disk takes no writes',
  ENOSPC: 'the disk is full',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
};

/** Why a file could not be read or written, in plain words and without the path. */
export function explainFile(error: unknown): string {
  const code = codeOf(error);
  return (Object.hasOwn(words, code) ? words[code] : undefined) ?? messageOf(error);
}

/**
 * A system error as TocsinError `file-missing` or `file-unusable`. `given` is the path as somebody named it, `at` where it was looked for.
 * Any other error is returned unchanged.
 */
export function fileError(error: unknown, given: string, at = given, remedy?: string): unknown {
  const code = codeOf(error);
  if (code === '') return error;
  const because = explainFile(error);
  return new TocsinError(code === 'ENOENT' ? 'file-missing' : 'file-unusable', {
    message: `${because.charAt(0).toUpperCase()}${because.slice(1)}.`,
    given,
    ...(at === given ? {} : { at }),
    ...(remedy === undefined ? {} : { remedy }),
    cause: error,
  });
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : '';
}
