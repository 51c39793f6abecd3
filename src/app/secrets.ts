import { compileSecrets, type Secrets } from '../kernel/redact/redact.ts';
import type { CatalogueSet } from '../ports/catalogue.ts';
import type { AppOptions } from './options.ts';
import { tracingHeaders } from './tracing.ts';

type Environment = AppOptions['env'];

/**
 * All values that must never be shown: secrets and tokens of tocsin.yaml, credentials of sources, chat platforms and doors, tokens and passwords
 * in the environment, and the key of the local link. Computed once for each set of files.
 */
export function createHidden(
  options: Pick<AppOptions, 'env' | 'localKey'>,
  current: () => CatalogueSet,
): () => Secrets {
  let made: { set: CatalogueSet; secrets: Secrets } | null = null;
  return () => {
    const set = current();
    if (made?.set !== set) made = { set, secrets: compileSecrets(secretsOf(options, set.config, set.doors)) };
    return made.secrets;
  };
}

/** The values themselves, each once. */
export function secretsOf(
  { env, localKey }: Pick<AppOptions, 'env' | 'localKey'>,
  config: Pick<CatalogueSet['config'], 'secrets' | 'tokens' | 'sources' | 'chat'>,
  doors: Partial<CatalogueSet['doors']> = {},
): string[] {
  const values = [
    ...Object.values(config.secrets),
    ...config.tokens.map(token => env[token.env] ?? ''),
    ...Object.values(config.sources).flatMap(source => secretOptions(source)),
    ...Object.values(config.chat).flatMap(chat => secretOptions(chat)),
    ...secretOptions(doors),
    ...platformTokens(env),
    ...['DATABASE_URL', 'REDIS_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].flatMap(
      name => passwordsOf(env[name] ?? ''),
    ),
    ...headerSecrets(tracingHeaders(env)),
    localKey ?? '',
  ];
  return [...new Set(values)].filter(value => value !== '');
}

/** Matches the names of secret options: token, bearer, clientSecret, signing_key; but not secretEncoding or tokenHeader. */
const secretName = /(?:token|secret|password|passphrase|bearer|[a-z]Key|_key)s?$/;
/** Matches headers that carry credentials. The values of others, such as Accept, occur in ordinary text. */
const secretHeader = /auth|token|secret|password|cookie|credential|key/i;

/**
 * The secret values among the options of a driver, by the names of the options. So new drivers need no code here. A `key` may be the path of
 * a file, so a private key is known by what it is; its line breaks may be written as \n.
 */
function secretOptions(options: unknown): string[] {
  if (typeof options === 'string')
    return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(options) ? [options, options.replaceAll('\\n', '\n')] : [];
  if (options === null || typeof options !== 'object') return [];
  return Object.entries(options).flatMap(([name, value]) => {
    if (name === 'headers') return headerSecrets(value);
    // A header by which a sender proves itself, under a name of the user's choice: { name, value }.
    if (name === 'header' && value !== null && typeof value === 'object' && 'value' in value)
      return textsIn(value.value);
    return secretName.test(name) || secretName.test(name.toLowerCase()) ? textsIn(value) : secretOptions(value);
  });
}

const masked = '[redacted]';

/** The options of a driver as they may be shown: by the same names as above, every text of a secret is masked, and so are passwords in addresses. */
export function maskOptions(options: unknown): unknown {
  if (typeof options === 'string') return options.replace(/(:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g, `$1${masked}`);
  if (Array.isArray(options)) return options.map(maskOptions);
  if (options === null || typeof options !== 'object') return options;
  const secret = new Set(secretOptions(options));
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const isSecret = secretName.test(name) || secretName.test(name.toLowerCase()) || name === 'headers';
      return [name, isSecret ? maskAll(value) : maskKnown(maskOptions(value), secret)];
    }),
  );
}

function maskAll(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskAll);
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? masked : value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskAll(inner)]));
}

/** Masks what is a secret by its place, such as the value of a header. */
function maskKnown(value: unknown, secret: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return secret.has(value) ? masked : value;
  if (Array.isArray(value)) return value.map(one => maskKnown(one, secret));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskKnown(inner, secret)]));
}

function headerSecrets(headers: unknown): string[] {
  if (headers === null || typeof headers !== 'object') return [];
  return Object.entries(headers).flatMap(([name, value]) =>
    secretHeader.test(name) ? textsIn(value).flatMap(text => [text, withoutScheme(text)]) : [],
  );
}

/** `Bearer abc` is abc. */
function withoutScheme(text: string): string {
  return text.replace(/^(?:bearer|basic|token)\s+/i, '');
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [];
}

/** The values of SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, DISCORD_TOKEN and similar variables. */
function platformTokens(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    /^(?:SLACK|DISCORD)_(?:\w+_)?(?:TOKEN|SECRET)$/.test(name) && value !== undefined ? [value.trim()] : [],
  );
}

/** The password in an address, both percent-encoded and decoded. */
function passwordsOf(address: string): string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const found = [url.password, url.searchParams.get('password') ?? ''];
  return found.flatMap(text => [text, decoded(text)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
