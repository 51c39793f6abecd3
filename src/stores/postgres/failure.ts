import { messageOf, TocsinError } from '../../kernel/errors.ts';

/**
 * What a failure means for a transaction: `lost` (the connection; nothing is known of a commit that was under way), `busy` (try again),
 * `full` (no space; whatever is tried fails alike), or `refused` (this very change is not taken).
 */
export type FailureKind = 'lost' | 'busy' | 'full' | 'refused';

/** SQLSTATEs (PostgreSQL's errcodes.txt) by what they mean here; a class is its first two characters. */
const kinds: Readonly<Record<string, FailureKind>> = {
  '08': 'lost',
  '57P01': 'lost', // an administrator ended the session
  '57P02': 'lost', // the server crashed
  '57P03': 'lost', // it is starting up
  '57P05': 'lost', // idle for too long
  '53300': 'lost', // too many connections
  '25P03': 'lost', // idle in a transaction for too long: this process was paused
  '25006': 'lost', // a standby takes no writes; another connection may reach the primary
  '55P03': 'busy', // a lock was not to be had in time
  '57014': 'busy', // a statement took too long
  '40': 'busy', // deadlock, serialisation
  '53': 'full', // disk, memory
  '58030': 'full', // an input or output error
};

export function kindOf(error: unknown): FailureKind {
  const state = sqlState(error);
  // Whatever does not come from the server comes from the connection to it.
  if (state === null) return error instanceof TocsinError ? 'refused' : 'lost';
  return kinds[state] ?? kinds[state.slice(0, 2)] ?? 'refused';
}

/** The five characters that PostgreSQL gives each error; null for another one. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return null;
  return typeof error.code === 'string' && error.code.length === 5 ? error.code : null;
}

const ownDatabase = 'Give Tocsin a database of its own.';
const putPassword = 'Put the password into DATABASE_URL.';

/** What to do, by SQLSTATE. */
const remedies: Readonly<Record<string, string>> = {
  '28P01': 'Correct the password in DATABASE_URL.',
  '28000': 'Allow this user and machine in pg_hba.conf, or correct the user in DATABASE_URL.',
  '3D000': 'Make the database with createdb, or correct its name in DATABASE_URL.',
  '42501':
    'Let the user of DATABASE_URL own the tables of Tocsin; before the first start it needs the right to create tables in the schema public.',
  '42P07': ownDatabase, // a table that Tocsin makes is there already
  '42703': ownDatabase, // or has other columns
};

/**
 * What to do when the server does not let Tocsin in, or Tocsin itself cannot use the address: what no waiting changes. Null for any other
 * failure. The same at the start and later, when somebody changed the server under a process that runs.
 */
export function remedyFor(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const state = sqlState(error);
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (state !== null && !(state.startsWith('28') && /certificate/i.test(message))) return remedies[state] ?? null;
  // The library asks for the password only when the server does.
  if (/client password must be a/.test(message)) return putPassword;
  // Not ENOENT in `connect`, a socket that is not there yet, nor ECONNRESET in `read`: both are worth waiting for.
  if (syscall === 'open' || code === 'EISDIR')
    return 'Correct sslrootcert (sslcert, sslkey) in DATABASE_URL: it names a file that Tocsin can read.';
  if (isTls(String(code), message))
    return 'Set sslmode in DATABASE_URL as the server wants it, with sslrootcert for a certificate authority of your own.';
  return null;
}

/** Certificates that do not verify, and a server that speaks no TLS. */
function isTls(code: string, message: string): boolean {
  return /CERT|SSL|TLS|ALTNAME/.test(code) || /does not support SSL|certificate/i.test(message);
}

/** What a rejected commit or read says. */
export function toStoreFailed(error: unknown): TocsinError {
  if (error instanceof TocsinError) return error;
  return new TocsinError('store-failed', { given: describeFailure(error), cause: error, ...wordsFor(error) });
}

function wordsFor(error: unknown): { message?: string; remedy?: string } {
  const remedy = remedyFor(error);
  if (remedy !== null) return { message: 'The database server does not let Tocsin in.', remedy };
  switch (kindOf(error)) {
    case 'lost':
      return {
        message: 'The database server does not answer.',
        remedy: 'See whether it is up and reachable from here; no restart is needed when it is back.',
      };
    case 'busy':
      return {
        message: 'The database server did not do it in time.',
        remedy: 'See what keeps it busy: its load, its disk, or a session that holds locks.',
      };
    case 'full':
      return {
        message: 'The database server has no space or memory left.',
        remedy: 'Free some on its machine; no restart is needed.',
      };
    case 'refused':
      return {};
  }
}

/** The text of a failure with the server's code, if any. Several addresses of one name fail together. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  const state = sqlState(error);
  const text = messageOf(error) || String((error as { code?: unknown }).code ?? 'no answer');
  return state === null ? text : `${text} (${state})`;
}
