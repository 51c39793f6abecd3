import { messageOf, TocsinError } from '../../kernel/errors.ts';

/**
 * What a failure means for a transaction: `lost` (the connection; the outcome of a commit under way is unknown), `busy` (worth a retry),
 * `full` (no space; every transaction fails), or `refused` (the server does not accept this change).
 */
export type FailureKind = 'lost' | 'busy' | 'full' | 'refused';

/** SQLSTATEs (PostgreSQL's errcodes.txt), or their classes (the first two characters), by what they mean here. */
const kinds: Readonly<Record<string, FailureKind>> = {
  '08': 'lost',
  '57P01': 'lost', // an administrator ended the session
  '57P02': 'lost', // the server crashed
  '57P03': 'lost', // it is starting up
  '57P05': 'lost', // idle for too long
  '53300': 'lost', // too many connections
  '25P03': 'lost', // idle in a transaction for too long: this process was paused
  '25006': 'lost', // a standby takes no writes; another connection may reach the primary
  '55P03': 'busy', // a lock was not available in time
  '57014': 'busy', // a statement took too long
  '40': 'busy', // deadlock, serialisation
  '53': 'full', // disk, memory
  '58030': 'full', // an input or output error
};

export function kindOf(error: unknown): FailureKind {
  const state = sqlState(error);
  // An error without a SQLSTATE comes from the connection.
  if (state === null) return error instanceof TocsinError ? 'refused' : 'lost';
  return kinds[state] ?? kinds[state.slice(0, 2)] ?? 'refused';
}

/** The SQLSTATE (five characters) of an error of PostgreSQL; null for any other error. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return null;
  return typeof error.code === 'string' && error.code.length === 5 ? error.code : null;
}

const ownDatabase = 'Give Tocsin a database of its own.';
const putPassword = 'Put the password into DATABASE_URL.';

/** Remedies by SQLSTATE. */
const remedies: Readonly<Record<string, string>> = {
  '28P01': 'Correct the password in DATABASE_URL.',
  '28000': 'Allow this user and machine in pg_hba.conf, or correct the user in DATABASE_URL.',
  '3D000': 'Make the database with createdb, or correct its name in DATABASE_URL.',
  '42501':
    'Let the user of DATABASE_URL own the tables of Tocsin; before the first start it needs the right to create tables in the schema public.',
  '42P07': ownDatabase, // a table with the name of one of Tocsin's exists already
  '42703': ownDatabase, // or it has other columns
};

/**
 * What to do about a failure that waiting does not cure: the server refuses the session, or Tocsin cannot use the address. Null for any
 * other failure. It holds at the start, and also later when the server's configuration was changed under a running process.
 */
export function remedyFor(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const state = sqlState(error);
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (state !== null && !(state.startsWith('28') && /certificate/i.test(message))) return remedies[state] ?? null;
  // The library asks for a password only when the server does.
  if (/client password must be a/.test(message)) return putPassword;
  // ENOENT in `connect` (the socket does not exist yet) and ECONNRESET in `read` are left out, because they may pass.
  if (syscall === 'open' || code === 'EISDIR')
    return 'Correct sslrootcert (sslcert, sslkey) in DATABASE_URL: it names a file that Tocsin can read.';
  if (isTls(String(code), message))
    return 'Set sslmode in DATABASE_URL as the server wants it, with sslrootcert for a certificate authority of your own.';
  return null;
}

/** Whether a certificate did not verify, or the server does not support TLS. */
function isTls(code: string, message: string): boolean {
  return /CERT|SSL|TLS|ALTNAME/.test(code) || /does not support SSL|certificate/i.test(message);
}

/** The `store-failed` of a rejected commit or read. A TocsinError is returned as it is. */
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

/** The text of a failure, with the SQLSTATE if it has one. When a host name has several addresses, their failures are joined. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  const state = sqlState(error);
  const text = messageOf(error) || String((error as { code?: unknown }).code ?? 'no answer');
  return state === null ? text : `${text} (${state})`;
}
