import { TocsinError } from '../../kernel/errors.ts';

/** Where a database is, parsed; `shown` is it without the password. */
export interface Address {
  url: string;
  shown: string;
}

const allowed = 'postgres://user:password@host:5432/database, with ?sslmode=verify-full for TLS';

/** Parses DATABASE_URL. Throws `environment-invalid` that repeats nothing of what may be a password. */
export function parseAddress(url: string): Address {
  // A socket's address has no host: postgres://user@/database?host=/run/postgresql
  const text = url.replace('@/', '@localhost/').replace(':///', '://localhost/');
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed === null) throw invalid('It is not an address.', undefined);
  const protocol = parsed.protocol;
  if (protocol !== 'postgres:' && protocol !== 'postgresql:')
    throw invalid('It is no address of PostgreSQL.', protocol);
  if (parsed.hostname === '') throw invalid('It names no host.', undefined);
  if (parsed.pathname.length < 2) throw invalid('It names no database.', undefined);
  const host = parsed.searchParams.get('host') ?? parsed.hostname;
  const user = parsed.username === '' ? '' : `${decodeURIComponent(parsed.username)}@`;
  const port = parsed.port === '' || parsed.searchParams.has('host') ? '' : `:${parsed.port}`;
  return { url, shown: `postgres://${user}${host}${port}${parsed.pathname}` };
}

function invalid(message: string, given: string | undefined): TocsinError {
  return new TocsinError('environment-invalid', {
    message: `DATABASE_URL cannot be used. ${message}`,
    at: 'DATABASE_URL',
    allowed,
    ...(given === undefined ? {} : { given }),
  });
}
