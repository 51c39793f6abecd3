import { messageOf, TocsinError } from '../../kernel/errors.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html) that need words of their own. */
const busy = 5;
const readOnly = 8;
const ioError = 10;
const corrupt = 11;
const full = 13;
const notDatabase = 26;

/**
 * True when the connection must not be used for writing again. After a failed fsync the kernel forgets what was not written, and a
 * second fsync may say that all is well, so only opening the file afresh shows what it holds. A full disk is no damage.
 */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === ioError || code === corrupt || code === notDatabase;
}

export function isBusy(error: unknown): boolean {
  return primaryCode(error) === busy;
}

export function toStoreFailed(error: unknown): TocsinError {
  if (error instanceof TocsinError) return error;
  const code = primaryCode(error);
  return new TocsinError('store-failed', { given: messageOf(error), cause: error, ...wordsFor(code) });
}

/** A sync of the log that failed: whatever SQLite's code, nothing may be written before the file was opened afresh. */
export function diskFailed(error: unknown): TocsinError {
  return new TocsinError('store-failed', { given: messageOf(error), cause: error, ...wordsFor(ioError) });
}

function wordsFor(code: number | null): { message?: string; remedy?: string } {
  switch (code) {
    case full:
      return { message: 'The disk is full.', remedy: 'Free space in the data folder; no restart is needed.' };
    case readOnly:
      return { message: 'The database cannot be written.', remedy: 'Give this user write access to the data folder.' };
    case ioError:
      return { message: 'The disk failed while it was written.', remedy: 'Check the disk, then start Tocsin again.' };
    case corrupt:
    case notDatabase:
      return { message: 'The database file is damaged.', remedy: 'Keep a copy of it, then restore the last backup.' };
    default:
      return {};
  }
}

function primaryCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}
