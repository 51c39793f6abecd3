import { TocsinError } from '../../kernel/errors.ts';
import type { Address } from './address.ts';
import { describeFailure, kindOf, sqlState } from './failure.ts';

/** What to do about a server that answers and refuses, by SQLSTATE. */
const remedies: Readonly<Record<string, string>> = {
  '28P01': 'Correct the password in DATABASE_URL.',
  '28000': 'Allow this user and machine in pg_hba.conf, or correct the user in DATABASE_URL.',
  '3D000': 'Make the database with createdb, or correct its name in DATABASE_URL.',
  '42501': 'Let the user of DATABASE_URL own the database, or give it the right to create tables in the schema public.',
};

/** Why the database could not be opened: `store-unreachable` when waiting may help, else `store-refused`. */
export function toOpenFailure(error: unknown, address: Address): TocsinError {
  if (error instanceof TocsinError) return at(error, address);
  const facts = { at: address.shown, given: describeFailure(error), cause: error };
  const kind = kindOf(error);
  if (kind !== 'refused' && !isTls(error)) return new TocsinError('store-unreachable', facts);
  const remedy = isTls(error)
    ? 'Set sslmode in DATABASE_URL as the server wants it, with sslrootcert for a certificate authority of your own.'
    : remedies[sqlState(error) ?? ''];
  return new TocsinError('store-refused', remedy === undefined ? facts : { ...facts, remedy });
}

/** Certificates that do not verify, and a server that speaks no TLS: no waiting changes them. */
function isTls(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return /CERT|SSL|TLS|ALTNAME/.test(String(code)) || /does not support SSL|certificate/i.test(String(message));
}

function at(error: TocsinError, address: Address): TocsinError {
  if (error.at !== undefined) return error;
  const { message, allowed, given, remedy, cause } = error;
  return new TocsinError(error.code, {
    message,
    at: address.shown,
    ...(allowed === undefined ? {} : { allowed }),
    ...(given === undefined ? {} : { given }),
    remedy,
    cause,
  });
}
