import { compileSecrets, type Secrets } from '../kernel/redact/redact.ts';
import type { CatalogueSet } from '../ports/catalogue.ts';
import type { AppOptions } from './options.ts';
import { tracingHeaders } from './tracing.ts';

type Environment = AppOptions['env'];

/**
 * All values that must never be shown, wherever they turn up: secrets and tokens of tocsin.yaml, what sources and chat platforms prove
 * themselves with, tokens and passwords in the environment, the key of the local link. Made ready once for each set of files.
 */
export function createHidden(
  options: Pick<AppOptions, 'env' | 'localKey'>,
  current: () => CatalogueSet,
): () => Secrets {
  let made: { set: CatalogueSet; secrets: Secrets } | null = null;
  return () => {
    const set = current();
    if (made?.set !== set) made = { set, secrets: compileSecrets(secretsOf(options, set.config)) };
    return made.secrets;
  };
}

/** The values themselves, each once. */
export function secretsOf(
  { env, localKey }: Pick<AppOptions, 'env' | 'localKey'>,
  config: Pick<CatalogueSet['config'], 'secrets' | 'tokens' | 'sources' | 'chat'>,
): string[] {
  const values = [
    ...Object.values(config.secrets),
    ...config.tokens.map(token => env[token.env] ?? ''),
    ...Object.values(config.sources).flatMap(source => secretOptions(source)),
    ...Object.values(config.chat).flatMap(chat => secretOptions(chat)),
    ...platformTokens(env),
    ...['DATABASE_URL', 'REDIS_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].flatMap(
      name => passwordsOf(env[name] ?? ''),
    ),
    ...headerSecrets(tracingHeaders(env)),
    localKey ?? '',
  ];
  return [...new Set(values)].filter(value => value !== '');
}

/** How options that are secret are called: token, bearer, clientSecret, signing_key. Not secretEncoding, not tokenHeader. */
const secretName = /(?:token|secret|password|passphrase|bearer|[a-z]Key|_key)s?$/;
/** Headers that say who asks; others, such as Accept, stand in honest text. */
const secretHeader = /auth|token|secret|password|cookie|credential|key/i;

/** The secret values among the options of a driver. Drivers name them alike, so that one look finds those of drivers to come. */
function secretOptions(options: unknown): string[] {
  if (options === null || typeof options !== 'object') return [];
  return Object.entries(options).flatMap(([name, value]) => {
    if (name === 'headers') return headerSecrets(value);
    return secretName.test(name) || secretName.test(name.toLowerCase()) ? textsIn(value) : secretOptions(value);
  });
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

/** SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, DISCORD_TOKEN and their like. */
function platformTokens(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    /^(?:SLACK|DISCORD)_(?:\w+_)?(?:TOKEN|SECRET)$/.test(name) && value !== undefined ? [value.trim()] : [],
  );
}

/** The password in an address, as it stands there and as it is meant. */
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
