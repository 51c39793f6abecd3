import { hasOption, type OptionRules, optionOf, parseOptions } from './options.ts';
import { hostsOfUri, placeOf, unknownPlace } from './place.ts';

type Variables = Readonly<Record<string, string>>;

/** Variables that name the place to the clients of databases. */
export const placeVariables = ['PGHOST', 'PGHOSTADDR', 'PGSERVICE', 'PGSERVICEFILE', 'MYSQL_HOST'];

const ownServer = 'its server on this machine';

const postgresLong = ['host', 'port', 'username', 'dbname'];
const postgresFlags = ['no-password', 'password', 'help', 'version'];
/** `vacuumdb`, `reindexdb` and `clusterdb`. */
const forTables = [...postgresLong, 'table', 'maintenance-db'];
const forTablesFlags = [...postgresFlags, 'all', 'echo', 'quiet', 'verbose'];

/** The options of psql(1) and the others, PostgreSQL 17. */
const postgresRules = new Map<string, OptionRules>(
  Object.entries({
    psql: {
      values: 'cdfFhLopPRTUv',
      long: [
        ...[...postgresLong, 'command', 'file', 'set', 'variable', 'log-file', 'output'],
        ...['field-separator', 'pset', 'record-separator', 'table-attr'],
      ],
      flags: {
        short: '01?aAbeEHlnqsStVwWxXz',
        long: [
          ...[...postgresFlags, 'list', 'no-psqlrc', 'single-transaction', 'echo-all', 'echo-errors', 'echo-queries'],
          ...['echo-hidden', 'no-readline', 'quiet', 'single-step', 'single-line', 'no-align', 'csv', 'html'],
          ...['tuples-only', 'expanded', 'field-separator-zero', 'record-separator-zero'],
        ],
      },
    },
    vacuumdb: {
      values: 'dhjnNpPtU',
      long: [
        ...[...forTables, 'jobs', 'parallel', 'schema', 'exclude-schema', 'buffer-usage-limit'],
        ...['min-mxid-age', 'min-xid-age'],
      ],
      flags: {
        short: '?aefFqvVwWzZ',
        long: [
          ...[...forTablesFlags, 'full', 'freeze', 'analyze', 'analyze-only', 'analyze-in-stages', 'skip-locked'],
          ...['disable-page-skipping', 'force-index-cleanup', 'no-index-cleanup', 'no-process-main'],
          ...['no-process-toast', 'no-truncate', 'missing-stats-only'],
        ],
      },
    },
    reindexdb: {
      values: 'dhijpStU',
      long: [...forTables, 'index', 'jobs', 'schema', 'tablespace'],
      flags: { short: '?aeqsvVwW', long: [...forTablesFlags, 'concurrently', 'system'] },
    },
    clusterdb: { values: 'dhptU', long: forTables, flags: { short: '?aeqvVwW', long: forTablesFlags } },
    pg_restore: {
      values: 'dfFhIjLnNpPStTU',
      long: [
        ...[...postgresLong, 'file', 'format', 'index', 'jobs', 'use-list', 'schema', 'exclude-schema', 'function'],
        ...['superuser', 'table', 'trigger', 'section', 'role', 'restrict-key', 'filter', 'transaction-size'],
      ],
      flags: {
        short: '?acCelOsvVwWx1',
        long: [
          ...[...postgresFlags, 'list', 'verbose', 'data-only', 'clean', 'create', 'exit-on-error', 'no-owner'],
          ...['schema-only', 'no-privileges', 'no-acl', 'single-transaction', 'disable-triggers', 'if-exists'],
          ...['enable-row-security', 'no-comments', 'no-data-for-failed-tables', 'no-publications'],
          ...['no-security-labels', 'no-subscriptions', 'no-table-access-method', 'no-tablespaces'],
          ...['strict-names', 'use-set-session-authorization'],
        ],
      },
    },
  }),
);

/** The place of a client of PostgreSQL as libpq finds it; null for a pg_restore that connects to nothing. */
export function postgresPlace(program: string, args: readonly string[], vars: Variables): string | null {
  const parsed = parseOptions(args, postgresRules.get(program) ?? {});
  if (!parsed.isSure) return unknownPlace;
  const named = optionOf(parsed, '-d', '--dbname');
  if (program === 'pg_restore' && named === undefined) return null;
  const base = named ?? (hasOption(parsed, '-a', '--all') && program !== 'psql' ? '' : parsed.words[0]) ?? '';
  const settings = settingsOf(base || (optionOf(parsed, '--maintenance-db') ?? ''));
  if (settings === null) return unknownPlace;
  // A connection string wins over -h, a service over the environment.
  const host = settings.get('host') ?? optionOf(parsed, '-h', '--host');
  const service = settings.get('service') ?? vars['PGSERVICE'];
  const address = settings.get('hostaddr') ?? (service === undefined ? vars['PGHOSTADDR'] : undefined);
  if (address !== undefined && address !== '') return serversOf(address);
  if (host !== undefined) return serversOf(host);
  if (service !== undefined && service !== '') return /^[\w.-]+$/.test(service) ? `service ${service}` : unknownPlace;
  return serversOf(vars['PGHOST'] ?? '');
}

/** `a`, `a or b` for a list; a folder, an abstract socket or nothing is this machine. */
function serversOf(list: string): string {
  const places = list.split(',').map(host => (host === '' || /^[/@]/.test(host) ? ownServer : placeOf(host)));
  return places.includes(unknownPlace) ? unknownPlace : [...new Set(places)].join(' or ');
}

/** The settings of a name of a database that is a connection string; none for a plain name, null when they are not certain. */
function settingsOf(base: string): Map<string, string> | null {
  if (/^postgres(?:ql)?:\/\//.test(base)) return settingsOfUri(base);
  return base.includes('=') ? settingsOfText(base) : new Map();
}

function settingsOfUri(uri: string): Map<string, string> | null {
  const hosts = hostsOfUri(uri)?.map(decoded);
  if (hosts === undefined || hosts.includes(null)) return null;
  const found: [string, string][] = hosts.join(',') === '' ? [] : [['host', hosts.join(',')]];
  // The query begins behind the password, where a question mark may stand.
  const query = uri
    .slice(uri.indexOf('@') + 1)
    .split('?')
    .slice(1)
    .join('?');
  for (const pair of query === '' ? [] : query.split('&')) {
    const [, key = '', text = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    const value = decoded(text);
    if (value === null) return null;
    found.push([key, value]);
  }
  return unambiguous(found);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** `key = value` as libpq reads it: values in single quotes when they have spaces, backslashes before what is meant as it is. */
function settingsOfText(text: string): Map<string, string> | null {
  const found: [string, string][] = [];
  const pair = /\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\']|\\.)(?:[^\s\\]|\\.)*)?)(?=\s|$)/sy;
  while (text.slice(pair.lastIndex).trim() !== '') {
    const read = pair.exec(text);
    if (read === null) return null;
    found.push([read[1] ?? '', (read[2] ?? read[3] ?? '').replace(/\\(.)/gs, '$1')]);
  }
  return unambiguous(found);
}

/** The keywords of libpq, PostgreSQL 18. It refuses any other. */
const keyword =
  /^(?:service|servicefile|user|password|connect_timeout|dbname|host|hostaddr|port|client_encoding|options|application_name|fallback_application_name|tcp_user_timeout|requirepeer|require_auth|(?:min|max)_protocol_version|replication|target_session_attrs|load_balance_hosts|channel_binding|passfile|(?:ssl|gss|krb|scram|oauth|keepalives)[a-z_]*)$/;

/** The settings when they are certain: a host that is named twice, or an unknown name, may come from a password that was not quoted. */
function unambiguous(found: readonly [string, string][]): Map<string, string> | null {
  const settings = new Map<string, string>();
  for (const [key, value] of found) {
    const isOther = /^(?:host|hostaddr|service)$/.test(key) && (settings.get(key) ?? value) !== value;
    if (isOther || !keyword.test(key) || /^(?:host|hostaddr|service)=/.test(value)) return null;
    settings.set(key, value);
  }
  return settings;
}

/** mysql(1) and mariadb(1). Of what takes no value only what may be shortened to a name of what does, and what stands often. */
const mysqlRules: OptionRules = {
  values: 'heuDPS',
  attached: 'p#',
  long: [
    ...['host', 'user', 'execute', 'database', 'port', 'socket', 'character-sets-dir', 'connect-timeout'],
    ...['default-auth', 'default-character-set', 'delimiter', 'init-command', 'max-allowed-packet', 'max-join-size'],
    ...[
      'net-buffer-length',
      'plugin-dir',
      'prompt',
      'protocol',
      'quick-max-column-width',
      'select-limit',
      'server-arg',
    ],
    ...['ssl-ca', 'ssl-capath', 'ssl-cert', 'ssl-cipher', 'ssl-key', 'ssl-crl', 'ssl-crlpath', 'ssl-mode', 'tee'],
    ...['tls-version', 'tls-ciphersuites', 'ssl-fp', 'ssl-fplist', 'ssl-fips-mode', 'bind-address', 'login-path'],
    ...['defaults-file', 'defaults-extra-file', 'defaults-group-suffix', 'server-public-key-path'],
    ...['compression-algorithms', 'zstd-compression-level', 'load-data-local-dir', 'shared-memory-base-name'],
  ],
  flags: {
    short: '?IABNcCTfHiLGbotqrUEVwXnsvWj',
    long: [
      ...['password', 'pager', 'debug', 'ssl', 'help', 'no-defaults', 'print-defaults', 'abort-source-on-error'],
      ...['auto-rehash', 'no-auto-rehash', 'auto-vertical-output', 'batch', 'binary-as-hex', 'binary-mode'],
      ...['column-names', 'column-type-info', 'comments', 'compress', 'connect-expired-password', 'debug-check'],
      ...['debug-info', 'enable-cleartext-plugin', 'force', 'html', 'ignore-spaces', 'line-numbers', 'local-infile'],
      ...['named-commands', 'no-beep', 'one-database', 'print-query-on-error', 'progress-reports', 'quick', 'raw'],
      ...['reconnect', 'safe-updates', 'i-am-a-dummy', 'sandbox', 'secure-auth', 'show-warnings', 'sigint-ignore'],
      ...['silent', 'ssl-verify-server-cert', 'table', 'unbuffered', 'verbose', 'version', 'vertical', 'wait', 'xml'],
      ...['syslog', 'get-server-public-key', 'skip-column-names', 'skip-line-numbers', 'skip-ssl', 'skip-reconnect'],
      ...['skip-auto-rehash', 'skip-ssl-verify-server-cert', 'skip-pager', 'skip-comments', 'password1', 'password2'],
      'password3',
    ],
  },
};

/**
 * The place of a client of MySQL or MariaDB. A host in a file wins over MYSQL_HOST and over a socket, so that without one on the command
 * line the place is this machine only when no file is read.
 */
export function mysqlPlace(args: readonly string[], vars: Variables): string {
  const parsed = parseOptions(args.map(plainName), mysqlRules);
  if (!parsed.isSure) return unknownPlace;
  const host = optionOf(parsed, '-h', '--host');
  if (host !== undefined) return placeOf(host);
  if (hasOption(parsed, '--defaults-file', '--defaults-extra-file', '--login-path')) return unknownPlace;
  const variable = vars['MYSQL_HOST'] ?? '';
  if (variable !== '') return placeOf(variable);
  // It counts only as the first argument.
  return args[0] === '--no-defaults' ? ownServer : unknownPlace;
}

/** Names may have `_` for `-`, and `loose-` in front. */
function plainName(arg: string): string {
  const [, name = '', rest = ''] = /^--([\w-]+)(.*)$/s.exec(arg) ?? [];
  return name === '' ? arg : `--${name.replaceAll('_', '-').replace(/^loose-/, '')}${rest}`;
}
