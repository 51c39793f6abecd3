import { TocsinError } from '../../kernel/errors.ts';

/** A parsed address of a database. `shown` is the address without the password. */
export interface Address {
  url: string;
  shown: string;
}

const allowed = 'postgres://user:password@host:5432/database, with ?sslmode=verify-full for TLS';
const encode =
  'Percent-encode what is not a letter or a digit in the user and the password: % is %25, @ is %40, : is %3A, / is %2F, # is %23.';

/** Parses DATABASE_URL. Throws `environment-invalid`; the error never repeats a part that may be a password. */
export function parseAddress(url: string): Address {
  // A socket's address has no host: postgres://user@/database?host=/run/postgresql
  const text = url.replace('@/', '@localhost/').replace(':///', '://localhost/');
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed === null) throw invalid('It is not an address.', { remedy: encode });
  const protocol = parsed.protocol;
  if (protocol !== 'postgres:' && protocol !== 'postgresql:')
    throw invalid('It is no address of PostgreSQL.', { given: protocol });
  if (parsed.hostname === '') throw invalid('It names no host.');
  if (parsed.pathname.length < 2) throw invalid('It names no database.', { remedy: encode });
  if (![parsed.username, parsed.password, parsed.hostname, parsed.pathname].every(isEncoded))
    throw invalid('A % in it does not begin an encoded character.', { remedy: encode });
  const host = parsed.searchParams.get('host') ?? parsed.hostname;
  const user = parsed.username === '' ? '' : `${decodeURIComponent(parsed.username)}@`;
  const port = parsed.port === '' || parsed.searchParams.has('host') ? '' : `:${parsed.port}`;
  return { url, shown: `postgres://${user}${host}${port}${parsed.pathname}` };
}

/** Whether the text is valid percent-encoding. The library and this module decode it, and both would throw otherwise. */
function isEncoded(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

function invalid(message: string, more: { given?: string; remedy?: string } = {}): TocsinError {
  return new TocsinError('environment-invalid', {
    message: `DATABASE_URL cannot be used. ${message}`,
    at: 'DATABASE_URL',
    allowed,
    ...more,
  });
}
