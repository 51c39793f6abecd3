import { hasOption, type OptionRules, type Parsed, parseOptions } from './options.ts';
import { placeOf, unknownPlace } from './place.ts';

/** kubectl(1) and oc(1) 1.32, global options and those of exec; cobra takes them in any order. */
const podRules: OptionRules = {
  values: 'nscfv',
  long: [
    ...['namespace', 'context', 'kubeconfig', 'cluster', 'user', 'server', 'token', 'container', 'filename'],
    ...['as', 'as-group', 'as-uid', 'as-user-extra', 'cache-dir', 'certificate-authority', 'client-certificate'],
    ...['client-key', 'kuberc', 'log-flush-frequency', 'password', 'pod-running-timeout', 'profile', 'profile-output'],
    ...['request-timeout', 'tls-server-name', 'username', 'v', 'vmodule', 'loglevel', 'config'],
  ],
  flags: {
    short: 'itqh',
    long: [
      ...['stdin', 'tty', 'quiet', 'help', 'insecure-skip-tls-verify', 'disable-compression', 'match-server-version'],
      'warnings-as-errors',
    ],
  },
};

/** The pod of `exec pod` or `exec type/name`. */
export function podPlace(args: readonly string[]): string | null {
  const end = args.indexOf('--');
  const parsed = parseOptions(end < 0 ? args : args.slice(0, end), podRules);
  if (!parsed.isSure) return parsed.words.includes('exec') ? unknownPlace : null;
  if (parsed.words[0] !== 'exec') return null;
  const [, type = '', name = parsed.words[1] ?? ''] = /^([a-z][a-z.]*\/)(.*)$/s.exec(parsed.words[1] ?? '') ?? [];
  const isNamed = name !== '' && !hasOption(parsed, '-f', '--filename');
  const place = isNamed ? placeOf(name) : unknownPlace;
  return place === unknownPlace ? place : `${type}${place}`;
}

/** docker(1) and podman(1) in front of their command. */
const globalRules: OptionRules = {
  values: 'Hlc',
  long: [
    ...['host', 'context', 'config', 'log-level', 'tlscacert', 'tlscert', 'tlskey', 'connection', 'url', 'identity'],
    ...['root', 'runroot', 'storage-driver', 'storage-opt', 'cgroup-manager', 'conmon', 'network-cmd-path', 'tmpdir'],
    ...['module', 'runtime', 'events-backend', 'hooks-dir', 'ssh', 'network-config-dir', 'volumepath'],
  ],
  flags: { short: 'Dvrh', long: ['debug', 'tls', 'tlsverify', 'version', 'help', 'remote', 'syslog', 'noout'] },
  words: 0,
};

const composeRules: OptionRules = {
  values: 'fp',
  long: [
    ...['file', 'project-name', 'project-directory', 'profile', 'env-file', 'ansi', 'parallel', 'progress'],
    'workdir',
  ],
  flags: { short: 'vh', long: ['all-resources', 'compatibility', 'dry-run', 'verbose', 'version', 'help'] },
  words: 0,
};

const execRules: OptionRules = {
  values: 'euw',
  long: ['env', 'env-file', 'user', 'workdir', 'detach-keys', 'index', 'preserve-fds', 'preserve-fd', 'cidfile'],
  flags: {
    short: 'ditTlh',
    long: ['detach', 'interactive', 'tty', 'no-tty', 'no-TTY', 'privileged', 'latest', 'help', 'dry-run'],
  },
  words: 0,
};

/** The container of `exec container`, the service of `compose exec service`. */
export function containerPlace(args: readonly string[]): string | null {
  let parsed = parseOptions(args, globalRules);
  if (!parsed.isSure) return mayExec(parsed);
  if (parsed.words[0] === 'container') parsed = parseOptions(parsed.words.slice(1), globalRules);
  else if (parsed.words[0] === 'compose') parsed = parseOptions(parsed.words.slice(1), composeRules);
  if (!parsed.isSure) return mayExec(parsed);
  if (parsed.words[0] !== 'exec') return null;
  const { words, isSure, options } = parseOptions(parsed.words.slice(1), execRules);
  const isNamed = isSure && !options.some(([name]) => /^(?:-l|--latest|--cidfile)$/.test(name));
  return isNamed && words[0] !== undefined ? placeOf(words[0]) : unknownPlace;
}

function mayExec({ words }: Parsed): string | null {
  return words.includes('exec') ? unknownPlace : null;
}
