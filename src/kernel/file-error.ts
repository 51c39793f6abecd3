import { messageOf, TocsinError } from './errors.ts';

/** What the system's codes mean for whoever named the file; see errno(3). */
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

/** Why a file could not be read or written, in words that need no manual and repeat no path. */
export function explainFile(error: unknown): string {
  const code = codeOf(error);
  return (Object.hasOwn(words, code) ? words[code] : undefined) ?? messageOf(error);
}

/** `file-missing` or `file-unusable` for what somebody named; `at` is where it was looked for. What is no error of the system stays as it is. */
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
