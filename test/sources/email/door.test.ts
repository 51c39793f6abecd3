import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { missingPrograms } from '../../real/programs.ts';
import { dial, type MailGiven, type MailPlace, send, startMailPlace } from './smtp.ts';

const rules = [
  {
    name: 'raid',
    subject: '^(?P<event>\\w+) event on (?P<device>/dev/md\\S+):(?P<host>\\S+)$',
    state: 'found.event == "RebuildFinished" ? "resolved" : "firing"',
    fingerprint: 'found.host + found.device',
    severity: 'critical',
    labels: { host: 'found.host', device: 'found.device' },
  },
];
const mdadm = (event: string, id = event) => `From: mdadm monitoring <root@db-1.example.com>
To: alerts@tocsin.test
Subject: ${event} event on /dev/md0:db-1
Message-ID: <${id}@db-1.example.com>

This is an automatically generated mail message from mdadm.
P.S. The /proc/mdstat file: md0 : active raid1 sdb1[1](F) sda1[0]
`;

let place: MailPlace;
afterEach(() => place.app.stop());
async function start(given: MailGiven = {}) {
  place = await startMailPlace({ ...given, options: { rules, ...given.options } });
}
const alerts = () => place.app.app.store.alerts({});
const accepted = async () => (await place.app.journal()).filter(({ fact }) => fact.kind === 'event.accepted');
const metrics = async () =>
  await (await fetch(`${place.app.app.url}/metrics`, { headers: { authorization: 'Bearer token-of-alice' } })).text();

describe('a mail', () => {
  test('is durable before it is answered 250, opens an alert, and another one ends it', async () => {
    await start();
    expect(await send(place.port, { mail: mdadm('Fail') })).toBe('250 Taken');
    // Looked at without waiting: what was answered is committed.
    expect(await accepted()).toHaveLength(1);
    const [alert] = await alerts();
    expect(alert).toMatchObject({
      source: 'email',
      state: 'firing',
      fingerprint: 'db-1/dev/md0',
      title: 'Fail event on /dev/md0:db-1',
      severity: 'critical',
      trusted: false,
      labels: { host: 'db-1', device: '/dev/md0', from: 'root@db-1.example.com', sender: 'root@db-1.example.com' },
    });
    expect(await send(place.port, { mail: mdadm('RebuildFinished') })).toBe('250 Taken');
    expect((await alerts())[0]).toMatchObject({ state: 'resolved', end: { how: 'told' } });
  });

  test('counts once by its Message-ID and sender, and each time without one', async () => {
    await start();
    expect(await send(place.port, { mail: mdadm('Fail', 'one') })).toBe('250 Taken');
    expect(await send(place.port, { mail: mdadm('RebuildFinished', 'one') })).toBe('250 Taken before');
    expect(await send(place.port, { mail: mdadm('Fail', 'one'), from: 'root@cron.example.com' })).toBe('250 Taken');
    const without = mdadm('Fail').replace(/Message-ID.*\n/, '');
    for (let n = 0; n < 2; n++) expect(await send(place.port, { mail: without })).toBe('250 Taken');
    expect(await accepted()).toHaveLength(4);
  });

  test('without a rule is a notice', async () => {
    await start();
    await send(place.port, {
      mail: 'Subject: Cron <root@db-1> run-parts /etc/cron.daily\n\n/etc/cron.daily/x: failed\n',
    });
    const bodies = (await accepted()).map(({ fact }) => (fact.kind === 'event.accepted' ? fact.event.body : null));
    expect(bodies).toMatchObject([
      { kind: 'notice', type: 'mail', title: 'Cron <root@db-1> run-parts /etc/cron.daily' },
    ]);
  });

  test('never leads to auto, unless its sender has the password', async () => {
    const files = {
      'runbooks/look.yaml':
        'title: Look\nrisk: none\non: [{ source: email }]\nsteps: [{ id: look, exec: ["true"], idempotent: true }]\n',
      'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
    };
    const auth = { user: 'mailer', password: ['old secret', 'a secret'] };
    await start({ files, options: { auth } });
    expect(await send(place.port, { mail: mdadm('Fail') })).toMatch(/^530 /);
    expect(await send(place.port, { mail: mdadm('Fail'), auth: ['mailer', 'guessed'] })).toMatch(/^535 /);
    expect(await send(place.port, { mail: mdadm('Fail'), auth: ['other', 'a secret'] })).toMatch(/^535 /);
    expect(await accepted()).toEqual([]);
    expect(await send(place.port, { mail: mdadm('Fail'), auth: ['mailer', 'a secret'] })).toBe('250 Taken');
    const run = await place.app.until(async () => (await place.app.runs())[0]);
    expect(run).toMatchObject({ decision: { verdict: 'auto' } });
    expect(JSON.stringify(place.logged)).not.toMatch(/guessed|a secret/);
    await place.app.stop();

    await start({ files });
    await send(place.port, { mail: mdadm('Fail') });
    const asked = await place.app.until(async () => (await place.app.runs())[0]);
    expect(asked.decision).toMatchObject({ verdict: 'approve' });
  });
});

describe('what is refused', () => {
  test.each([
    ['another sender', { from: 'root@other.example.com' }, '550 This sender may not send here'],
    ['a domain that ends alike', { from: 'x@evilcron.example.com' }, '550 This sender may not send here'],
    ['a sender below the domain', { from: 'x@a.cron.example.com' }, '550 This sender may not send here'],
    ['no sender', { from: '' }, '550 This sender may not send here'],
    ['another recipient', { to: ['root@tocsin.test'] }, '550 There is no such recipient here'],
  ])('%s: 550, counted and logged', async (_what, given, reply) => {
    await start();
    expect(await send(place.port, { mail: mdadm('Fail'), ...given })).toBe(reply);
    expect(await accepted()).toEqual([]);
    expect(await metrics()).toContain('tocsin_events_refused_total{source="email",code="bad-signature"} 1');
    expect(place.logged.filter(({ message }) => message === 'refused what was sent to a source')).toHaveLength(1);
    // Anybody may do that, so it is no trouble of the source.
    expect((await place.app.call('GET', '/readyz')).body.parts['source email']).toBeUndefined();
  });

  test('one byte too many is 552, not one less, and a proven sender is shown', async () => {
    const auth = { user: 'mailer', password: 'a secret' };
    await start({ options: { maxBytes: 2048, auth } });
    const mail = (length: number) => Buffer.from(`Subject: x\r\n\r\n${'y'.repeat(length - 16)}\r\n`);
    const by: [string, string] = ['mailer', 'a secret'];
    expect(await send(place.port, { mail: mail(4000), auth: by })).toBe('552 The mail is too large');
    expect((await place.app.call('GET', '/readyz')).body.parts['source email']).toContain('body-too-large at maxBytes');
    const client = await dial(place.port);
    await client.say('EHLO x');
    await client.say(`AUTH PLAIN ${Buffer.from('\0mailer\0a secret').toString('base64')}`);
    expect(await client.say('MAIL FROM:<root@db-1.example.com> SIZE=2049')).toMatch(/^552 /);
    client.socket.destroy();
    expect(await send(place.port, { mail: mail(2000), auth: by })).toBe('250 Taken');
    expect((await place.app.call('GET', '/readyz')).body.parts['source email']).toBeUndefined();
  });

  test('while the store cannot keep it: 451, and it is taken when it is sent again', async () => {
    let failing = true;
    await start({
      app: {
        wrapStore: store => ({
          ...store,
          async commit(change) {
            const isMail = change.entries?.some(({ fact }) => fact.kind === 'event.accepted') === true;
            if (isMail && failing) throw new TocsinError('overloaded');
            return await store.commit(change);
          },
        }),
      },
    });
    expect(await send(place.port, { mail: mdadm('Fail') })).toBe('451 Not now; try again later');
    expect(await accepted()).toEqual([]);
    expect(await metrics()).toContain('tocsin_events_refused_total{source="email",code="overloaded"} 1');
    failing = false;
    expect(await send(place.port, { mail: mdadm('Fail') })).toBe('250 Taken');
  });

  test('what is posted by HTTP', async () => {
    await start();
    const answer = await fetch(`${place.app.app.url}/events/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(401);
  });

  test.each([
    ['a head without an end', `Subject: ${'x'.repeat(200_000)}`],
    ['many heads', Array.from({ length: 20_000 }, (_, index) => `X-${index}: y`).join('\n')],
    ['parts without an end', parts(2000)],
    ['parts in parts', nested(2000)],
  ])('%s: 554, and the door stays open', async (_what, mail) => {
    await start();
    expect(await send(place.port, { mail })).toBe('554 The mail cannot be read');
    expect(await send(place.port, { mail: mdadm('Fail') })).toBe('250 Taken');
  });
});

function parts(count: number): string {
  const part = '--b\nContent-Type: text/plain\n\nx\n';
  return `Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n${part.repeat(count)}`;
}

function nested(depth: number): string {
  const head = (index: number) => `Content-Type: multipart/mixed; boundary=b${index}\n\n--b${index}\n`;
  return `Subject: x\nMIME-Version: 1.0\n${Array.from({ length: depth }, (_, index) => head(index)).join('')}\nx\n`;
}

describe('the door', () => {
  test('finishes the mail under way when Tocsin stops, and then nobody is answered', async () => {
    await start();
    const client = await dial(place.port);
    for (const step of ['EHLO x', 'MAIL FROM:<root@db-1.example.com>', 'RCPT TO:<alerts@tocsin.test>', 'DATA'])
      await client.say(step);
    const stopped = place.app.app.stop('the test says so');
    const reply = await client.say(...mdadm('Fail').split('\n'), '.');
    await stopped;
    // Either it was durable before the answer, or its sender keeps it.
    expect(reply).toMatch(/^(250 Taken|421 )/);
    await expect(dial(place.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('opens once the address is free, and says so until then', async () => {
    const other = createServer();
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const logged: MailPlace['logged'] = [];
    const opening = startMailPlace({ options: { port, rules }, logged });
    while (!logged.some(({ message }) => message === 'a source takes nothing')) await sleep(20);
    expect(logged.find(({ message }) => message === 'a source takes nothing')?.facts['because']).toContain(
      'EADDRINUSE',
    );
    other.close();
    place = await opening;
    expect(place.port).toBe(port);
    expect(await send(port, { mail: mdadm('Fail') })).toBe('250 Taken');
    expect((await place.app.call('GET', '/readyz')).body.parts['source email']).toBeUndefined();
  });

  test('moves on with edited options, at the same address', async () => {
    await start();
    const path = join(place.app.folder, 'tocsin.yaml');
    const before = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      before.replace('"port":0', `"port":${place.port}`).replace('alerts@tocsin.test', 'other@tocsin.test'),
    );
    const taken = await place.app.until(async () => {
      const reply = await send(place.port, { mail: mdadm('Fail'), to: ['other@tocsin.test'] }).catch(() => null);
      return reply?.startsWith('250') === true ? reply : null;
    });
    expect(taken).toBe('250 Taken');
  });

  test('a client that goes away in the middle leaves nothing, and no error', async () => {
    await start();
    const client = await dial(place.port);
    for (const step of ['EHLO x', 'MAIL FROM:<root@db-1.example.com>', 'RCPT TO:<alerts@tocsin.test>', 'DATA'])
      await client.say(step);
    client.socket.write('Subject: half a m');
    client.socket.destroy();
    expect(await send(place.port, { mail: mdadm('Fail') })).toBe('250 Taken');
    expect(await accepted()).toHaveLength(1);
    expect(place.logged.filter(({ message }) => message === 'a mail could not be taken')).toEqual([]);
  });
});

const run = promisify(execFile);
describe('real programs', () => {
  test('curl sends by STARTTLS and by TLS, and nobody without', async context => {
    if (missingPrograms('curl', 'openssl') !== null) context.skip();
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-mail-'));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=tocsin', '-addext', 'subjectAltName=IP:127.0.0.1'];
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      key,
      '-out',
      cert,
    ]);
    writeFileSync(join(folder, 'mail'), mdadm('Fail').replaceAll('\n', '\r\n'));
    const curl = (url: string, ...more: string[]) =>
      run('curl', [
        ...['-sS', '--max-time', '30', '--cacert', cert, '--url', url, '--user', 'mailer:a secret', ...more],
        ...[
          '--mail-from',
          'root@db-1.example.com',
          '--mail-rcpt',
          'alerts@tocsin.test',
          '--upload-file',
          join(folder, 'mail'),
        ],
      ]);
    const auth = { user: 'mailer', password: 'a secret' };
    try {
      for (const implicit of [false, true]) {
        // At another address than loopback, on which a password is taken in clear.
        await start({ options: { host: '0.0.0.0', auth, tls: { cert, key, implicit } } });
        const url = `${implicit ? 'smtps' : 'smtp'}://127.0.0.1:${place.port}`;
        await curl(url, '--ssl-reqd');
        expect(await alerts()).toMatchObject([{ trusted: true }]);
        if (!implicit) {
          await expect(curl(url)).rejects.toThrow();
          expect(await accepted()).toHaveLength(1);
          await place.app.stop();
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  /** In a mount namespace, with a configuration and a spool of its own. */
  test('dma, the mailer of Debian, hands on what cron writes, and keeps it while it is not taken', async context => {
    if (process.getuid?.() !== 0 || missingPrograms('dma', 'unshare') !== null) context.skip();
    let failing = true;
    await start({
      options: { from: ['*@db-1.example.com'] },
      app: {
        wrapStore: store => ({
          ...store,
          async commit(change) {
            if (failing && change.entries?.some(({ fact }) => fact.kind === 'event.accepted') === true)
              throw new TocsinError('overloaded');
            return await store.commit(change);
          },
        }),
      },
    });
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-dma-'));
    const [etc, spool] = [join(folder, 'etc'), join(folder, 'spool')];
    const conf = `SMARTHOST 127.0.0.1\nPORT ${place.port}\nMAILNAME db-1.example.com\n`;
    const within = (command: string) => {
      const mounts = `mount --bind ${etc} /etc/dma; mount --bind ${spool} /var/spool/dma`;
      const child = spawn('unshare', ['-m', 'sh', '-ec', `${mounts}; ${command}`], { detached: true, stdio: 'ignore' });
      const ended = once(child, 'exit');
      return { child, ended };
    };
    const mail = 'Subject: Cron <root@db-1> backup\n\nbackup: no space left\n';
    try {
      await run('sh', ['-ec', `install -d -m 755 ${folder} ${etc}; install -d -o root -g mail -m 2770 ${spool}`]);
      for (const [name, text] of [
        ['dma.conf', conf],
        ['auth.conf', ''],
        ['mail', mail],
      ] as const)
        writeFileSync(join(etc, name), text, { mode: 0o644 });
      const first = within('exec dma -D -f root@db-1.example.com alerts@tocsin.test < /etc/dma/mail');
      try {
        const refused = 'tocsin_events_refused_total{source="email",code="overloaded"}';
        await place.app.until(async () => (await metrics()).includes(refused));
      } finally {
        // It would try again in five minutes. Its queue keeps the mail.
        if (first.child.pid !== undefined) process.kill(-first.child.pid);
        await first.ended;
      }
      expect(await accepted()).toEqual([]);
      failing = false;
      // The next flush of its queue, which a timer of Debian does.
      await within('exec dma -D -q1').ended;
      const bodies = (await accepted()).map(({ fact }) => (fact.kind === 'event.accepted' ? fact.event.body : null));
      expect(bodies).toMatchObject([{ kind: 'notice', title: 'Cron <root@db-1> backup' }]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('curl sends a mail', async context => {
    if (missingPrograms('curl') !== null) context.skip();
    await start({ options: { auth: { user: 'mailer', password: 'a secret' } } });
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-mail-'));
    try {
      writeFileSync(join(folder, 'mail'), mdadm('Fail').replaceAll('\n', '\r\n'));
      await run('curl', [
        ...['-sS', '--url', `smtp://127.0.0.1:${place.port}`, '--user', 'mailer:a secret'],
        ...[
          '--mail-from',
          'root@db-1.example.com',
          '--mail-rcpt',
          'alerts@tocsin.test',
          '--upload-file',
          join(folder, 'mail'),
        ],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(await alerts()).toMatchObject([{ fingerprint: 'db-1/dev/md0', trusted: true }]);
  });
});
