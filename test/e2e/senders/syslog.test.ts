import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { readPage } from '../../docs/pages.ts';
import { basicConfig, startTestApp } from '../../doubles/app.ts';
import { missingPrograms, programPath } from '../../real/programs.ts';
import { whenReady } from '../../real/ready.ts';
import { makeAuthority } from '../../sources/syslog/certificates.ts';
import { eventually, freePort, startProgram } from '../programs.ts';
import { makeFolder } from '../real.ts';
import { shownIn } from './scene.ts';

/** rsyslog, syslog-ng and logger with the settings of docs/syslog.md, and Tocsin with its source. */

/** Where scripts/setup-test.sh unpacks rsyslog, which Debian does not install beside syslog-ng. */
const rsyslog = '/usr/local/lib/tocsin-tests/rsyslog';
const rsyslogd = `${rsyslog}/usr/sbin/rsyslogd`;

const missing = missingPrograms(rsyslogd, 'syslog-ng', 'logger', 'openssl');
const page = 'docs/syslog.md';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

/** Each message is an alert with its parts as labels. */
const detect = [
  { name: 'all', by: ['record.host', 'record.app', 'record.severity', 'record.message'], labels: { of: 'parts' } },
  { name: 'wire', by: ['record.transport', 'record.form', 'record.client', 'record.facility'] },
];

async function makePlace() {
  const { folder, remove } = await makeFolder();
  cleanUp.defer(remove);
  return { folder, at: (name: string) => join(folder, name), port: await freePort() };
}

async function openApp(source: object) {
  const given = { ...parse(basicConfig), sources: { syslog: { ...source, detect } } };
  const app = await startTestApp({ 'tocsin.yaml': stringify(given) });
  cleanUp.defer(app.stop);
  const { store } = app.app;
  const labels = async (rule: string) =>
    (await store.alerts({ limit: 1000 })).map(one => one.labels).filter(one => one['rule'] === rule);
  // An alert that could not be made to fire at once has its turn a minute later.
  const once = (rule: string, count: number) =>
    eventually(
      `${count} of ${rule}`,
      async () => {
        const all = await labels(rule);
        if (all.length < count) throw new Error(`so far: ${JSON.stringify(all)}`);
        return all;
      },
      120_000,
    );
  return {
    /** The messages, in the order of the alphabet, once there are so many. */
    messages: async (count: number) => (await once('all', count)).map(({ message }) => message ?? '').sort(),
    parts: async (message: string) => (await labels('all')).find(one => one['message'] === message),
    /** The ways in which they came, once there are so many. */
    wire: (count = 1) => once('wire', count),
  };
}

function logger(...words: string[]): void {
  const { status, stderr } = spawnSync(programPath('logger'), words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`logger ${words.join(' ')}: ${stderr}`);
}

type Place = Awaited<ReturnType<typeof makePlace>>;

/** A real rsyslog that reads a socket of its own and forwards by the settings of the page. */
async function startRsyslog({ folder, at }: Place, forward: string) {
  const input = 'module(load="imuxsock" SysSock.Use="off")';
  // While it starts, it may throw away what its socket took. What shows that it reads is not forwarded.
  const ready = `if $programname == "start" then { action(type="omfile" file="${at('started')}") stop }`;
  const config = `global(workDirectory="${folder}")\n${input}\ninput(type="imuxsock" Socket="${at('log')}")\n${ready}\n${forward}\n`;
  await writeFile(at('rsyslog.conf'), config);
  const program = startProgram(
    rsyslogd,
    ['-M', `${rsyslog}/modules`, '-n', '-f', at('rsyslog.conf'), '-i', at('rsyslog.pid')],
    {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      cwd: folder,
    },
  );
  cleanUp.defer(async () => void (await program.stop()));
  await eventually('rsyslog reads its socket', async () => {
    spawnSync(programPath('logger'), ['-u', at('log'), '-t', 'start', 'it reads']);
    return (await readFile(at('started'), 'utf8')) === '' ? null : true;
  });
  return { program, log: (...words: string[]) => logger('-u', at('log'), ...words) };
}

async function startSyslogNg({ folder, at }: Place, destination: string) {
  await writeFile(at('lines'), '');
  await writeFile(
    at('syslog-ng.conf'),
    `@version: 3.38
options { keep-hostname(yes); stats-freq(0); time-reopen(1); };
source s_lines { file("${at('lines')}" follow-freq(0.1)); };
${destination}`,
  );
  const words = [
    ...['-F', '--no-caps', '--stderr', '--verbose', '-f', at('syslog-ng.conf')],
    ...['-R', at('persist'), '-c', at('control'), '-p', at('pid')],
  ];
  const program = startProgram(programPath('syslog-ng'), words, {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: folder,
  });
  cleanUp.defer(async () => void (await program.stop()));
  await whenReady(program, /syslog-ng starting up/);
  return { program, log: (text: string | Buffer) => writeFile(at('lines'), text, { flag: 'a' }) };
}

/** The sources of the page. */
function sourceOf(name: string): Record<string, object> {
  const blocks = readPage(page).blocks.filter(block => block.label === 'tocsin.yaml');
  const found = blocks.map(block => parse(block.text).sources[name]).find(one => one !== undefined);
  if (found === undefined) throw new Error(`${page} has no source ${name}`);
  return found;
}

function tlsOf({ at, port, folder }: Place) {
  const authority = makeAuthority(folder);
  const server = authority.issue('tocsin.example.com');
  const web = authority.issue('web-1');
  const shown = sourceOf('syslog-tls');
  const tls = { ...shown['tls'], host: '127.0.0.1', port, ...server, clientCa: authority.ca };
  return {
    source: { ...shown, tls },
    places: { '/etc/ssl/tocsin-ca.pem': authority.ca, '/etc/ssl/web-1.pem': web.cert, '/etc/ssl/web-1.key': web.key },
    at,
  };
}

describe.skipIf(missing !== null)('syslog', { timeout: 180_000 }, () => {
  test('logger: both forms, both framings, TCP and UDP', async () => {
    const { port } = await makePlace();
    const shown = sourceOf('syslog');
    const { messages, parts, wire } = await openApp({ ...shown, tcp: { port }, udp: { port } });
    const line = shownIn(page, 'logger --server', { '1514': String(port) }).trim();
    const [, ...words] = (line.match(/"[^"]*"|\S+/g) ?? []).map(word => word.replaceAll('"', ''));
    await eventually('it listens', async () => {
      logger(...words);
      return true;
    });
    const to = ['--server', '127.0.0.1', '--port', String(port), '--tag', 'app'];
    logger(...to, '--tcp', '--octet-count', 'größe, counted');
    logger(...to, '--tcp', '--rfc3164', '--id=7', '--priority', 'auth.crit', 'the old form');
    logger(...to, '--udp', 'a datagram');
    logger(...to, '--udp', '--rfc3164', 'an old datagram');
    expect(await messages(5)).toEqual([
      'a datagram',
      'an old datagram',
      'größe, counted',
      'the backup failed',
      'the old form',
    ]);
    expect(await parts('the backup failed')).toMatchObject({ app: 'backup', severity: 'err' });
    expect(await parts('the old form')).toMatchObject({ app: 'app', severity: 'crit' });
    expect((await wire(4)).map(one => `${one['transport']} ${one['form']} ${one['facility']}`).sort()).toEqual([
      'tcp rfc3164 auth',
      'tcp rfc5424 user',
      'udp rfc3164 user',
      'udp rfc5424 user',
    ]);
  });

  test('rsyslog over TCP: what is logged while Tocsin is away arrives when it is there', async () => {
    const place = await makePlace();
    const forward = shownIn(page, '# /etc/rsyslog.d/tocsin.conf', { '1514': String(place.port), '="5"': '="1"' });
    const { log } = await startRsyslog(place, forward);
    log('-t', 'app', '-p', 'user.err', 'before Tocsin');
    const { messages, parts } = await openApp({ tcp: { port: place.port } });
    log('-t', 'app', '-p', 'daemon.warning', 'say "x" & <b> größe C:\\new');
    expect(await messages(2)).toEqual(['before Tocsin', 'say "x" & <b> größe C:\\new']);
    expect(await parts('before Tocsin')).toMatchObject({ app: 'app', severity: 'err' });
    expect(await parts('say "x" & <b> größe C:\\new')).toMatchObject({ severity: 'warning' });
  });

  test('rsyslog in the old form, with the bytes of Latin-1', async () => {
    const place = await makePlace();
    const { messages, wire } = await openApp({ tcp: { port: place.port } });
    const { log } = await startRsyslog(
      place,
      `action(type="omfwd" target="127.0.0.1" port="${place.port}" protocol="tcp" action.resumeRetryCount="-1" action.resumeInterval="1")`,
    );
    await writeFile(place.at('latin1'), Buffer.from('gr\xf6\xdfe\n', 'latin1'));
    log('-t', 'app', '-f', place.at('latin1'));
    expect(await messages(1)).toEqual(['größe']);
    expect((await wire()).map(one => one['form'])).toEqual(['rfc3164']);
  });

  test('rsyslog over TLS with a certificate of its own', async () => {
    const place = await makePlace();
    const { source, places } = tlsOf(place);
    const { messages, wire } = await openApp(source);
    const forward = shownIn(page, '# /etc/rsyslog.d/tocsin-tls.conf', {
      ...places,
      'target="tocsin.example.com"': 'target="127.0.0.1"',
      '6514': String(place.port),
      '="5"': '="1"',
    });
    const { log } = await startRsyslog(place, forward);
    log('-t', 'app', 'over TLS');
    expect(await messages(1)).toEqual(['over TLS']);
    expect(await wire()).toMatchObject([{ transport: 'tls', client: 'web-1', form: 'rfc5424' }]);
  });

  test('syslog-ng over TCP, and over TLS', async () => {
    const place = await makePlace();
    const { messages, parts } = await openApp({ tcp: { port: place.port } });
    const destination = shownIn(page, '# /etc/syslog-ng/conf.d/tocsin-syslog.conf', {
      '1514': String(place.port),
      s_src: 's_lines',
    });
    const { log } = await startSyslogNg(place, destination);
    await log('<11>Nov 29 10:00:00 web-1 app[7]: over TCP größe\n');
    expect(await messages(1)).toEqual(['over TCP größe']);
    expect(await parts('over TCP größe')).toMatchObject({ host: 'web-1', app: 'app', severity: 'err' });

    const other = await makePlace();
    const { source, places } = tlsOf(other);
    const secure = await openApp(source);
    const over = shownIn(page, '# /etc/syslog-ng/conf.d/tocsin-tls.conf', {
      ...places,
      '"tocsin.example.com"': '"127.0.0.1"',
      '6514': String(other.port),
      s_src: 's_lines',
    });
    const second = await startSyslogNg(other, over);
    await second.log('<11>Nov 29 10:00:00 web-1 app[7]: over TLS\n');
    expect(await secure.messages(1)).toEqual(['over TLS']);
    expect(await secure.wire()).toMatchObject([{ transport: 'tls', client: 'web-1', form: 'rfc5424' }]);
  });

  test('the rule of the page: five failed logins are an alert with its evidence', async () => {
    const { port } = await makePlace();
    const given = {
      ...parse(basicConfig),
      sources: { syslog: { ...sourceOf('syslog'), tcp: { port }, udp: undefined } },
    };
    const app = await startTestApp({ 'tocsin.yaml': stringify(given) });
    cleanUp.defer(app.stop);
    const to = ['--server', '127.0.0.1', '--port', String(port), '--tcp', '--tag', 'sshd'];
    for (let n = 1; n <= 5; n += 1) logger(...to, `Failed password for root from 192.0.2.${n} port 22 ssh2`);
    const alert = await eventually('the alert', async () => (await app.app.store.alerts({}))[0] ?? null);
    expect(alert).toMatchObject({ severity: 'error', labels: { rule: 'failed logins' }, annotations: { count: '5' } });
    expect(alert.annotations['evidence']).toContain('Failed password for root from 192.0.2.1 port 22');
    const events = await app.app.store.journal({ after: 0, limit: 100, kinds: ['event.accepted'] });
    expect(events.map(({ fact }) => fact.kind === 'event.accepted' && fact.event.trusted)).toEqual([false]);
    expect(await readFile(join(import.meta.dirname, '../../../', page), 'utf8')).toContain('five failed logins');
  });
});
