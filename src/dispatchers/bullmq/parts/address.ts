import { TocsinError } from '../../../kernel/errors.ts';

const allowed = 'redis://user:password@host:6379/0, or rediss:// for TLS';

/** Parses REDIS_URL. Throws `environment-invalid`; the error never shows the whole text, which may hold a password. */
export function parseAddress(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed !== null && ['redis:', 'rediss:'].includes(parsed.protocol) && parsed.hostname !== '') {
    if (/^\/?\d*$/.test(parsed.pathname)) return parsed;
  }
  throw new TocsinError('environment-invalid', {
    at: 'REDIS_URL',
    allowed,
    given: parsed === null ? 'something that is no address' : `an address that begins with ${parsed.protocol}`,
    remedy: 'Correct REDIS_URL, or leave it out together with DATABASE_URL to run one node without servers.',
  });
}

/** The address without user, password and options, for logs and errors. */
export function hideAddress(url: string): string {
  if (!URL.canParse(url)) return 'an address that does not parse';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
