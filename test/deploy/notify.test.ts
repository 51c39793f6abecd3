import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import source from '../../src/sources/nagios/index.ts';
import { fieldNames } from '../../src/sources/nagios/notification.ts';
import { alertsOf, delivery, take } from '../sources/helpers.ts';

/** The script that Nagios and Icinga 2 run, run by a real shell with the real curl. */
const script = new URL('../../deploy/nagios/tocsin-notify', import.meta.url).pathname;
const commands = readFileSync(new URL('../../deploy/nagios/tocsin.cfg', import.meta.url), 'utf8');
const hasCurl = (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, 'curl')));

let server: Server;
let folder = '';
let address = '';
let received: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
let statuses: number[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(statuses.shift() ?? 202, { 'retry-after': '0' }).end('the answer');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events/nagios`;
  folder = await mkdtemp(join(tmpdir(), 'tocsin-notify-'));
  await writeFile(join(folder, 'header'), 'Authorization: Bearer a token\n');
});
beforeEach(() => {
  received = [];
  statuses = [];
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  code: number;
  stderr: string;
}

/** Runs a line of shell in which $NOTIFY is the script with its address and header. */
function shell(line: string, env: Record<string, string> = {}): Promise<Ended> {
  const notify = `sh '${script}' '${address}' '${join(folder, 'header')}'`;
  return new Promise(resolve => {
    execFile(
      'sh',
      ['-c', line.replaceAll('$NOTIFY', notify)],
      { env: { PATH: process.env['PATH'], ...env } },
      (error, _stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

function alert() {
  const [sent] = received;
  if (sent === undefined) throw new Error('nothing was sent');
  return alertsOf(take(source, delivery(sent.body, sent.headers as Record<string, string>), {}).events)[0];
}

describe.skipIf(!hasCurl)('tocsin-notify', () => {
  it('encodes whatever a check wrote, and proves itself by the file', async () => {
    const output = 'a "b" \'c\' C:\\temp\\new & 50% + <x> $HOME `id` ü 日本\nline two=2 @/etc/passwd';
    const ended = await shell('$NOTIFY type=PROBLEM host=web-1 "output=$OUTPUT" "long_output=@/etc/passwd"', {
      OUTPUT: output,
    });
    expect(ended).toEqual({ code: 0, stderr: '' });
    expect(received).toHaveLength(1);
    expect(received[0]?.headers).toMatchObject({
      authorization: 'Bearer a token',
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(alert()?.annotations).toMatchObject({ description: output, details: '@/etc/passwd' });
  });

  it('passes bytes of Latin-1 on', async () => {
    await shell('$NOTIFY type=PROBLEM host=web-1 "output=$(printf "gr\\366\\337e")"');
    expect(alert()?.annotations['description']).toBe('größe');
  });

  it('takes the macros of a service from the environment of Nagios, of a host too', async () => {
    const common = { NAGIOS_NOTIFICATIONTYPE: 'PROBLEM', NAGIOS_HOSTNAME: 'web-1', NAGIOS_TIMET: '1795604403' };
    await shell('$NOTIFY', {
      ...common,
      NAGIOS_SERVICEDESC: 'disk /',
      NAGIOS_SERVICESTATE: 'WARNING',
      NAGIOS_SERVICESTATETYPE: 'HARD',
      NAGIOS_SERVICEOUTPUT: 'say "x" `id`',
      NAGIOS_HOSTSTATE: 'UP',
      NAGIOS_LASTSERVICESTATECHANGE: '1795604283',
    });
    expect(alert()).toMatchObject({
      fingerprint: 'web-1!disk /',
      title: 'web-1 disk / is WARNING',
      annotations: { description: 'say "x" `id`' },
      startsAt: 1_795_604_283_000,
    });
    received = [];
    await shell('$NOTIFY', { ...common, NAGIOS_HOSTSTATE: 'DOWN', NAGIOS_HOSTOUTPUT: 'gone' });
    expect(alert()).toMatchObject({
      fingerprint: 'web-1',
      title: 'web-1 is DOWN',
      annotations: { description: 'gone' },
    });
  });

  it('tries again when Tocsin is busy, and fails when it is refused', async () => {
    statuses = [503, 202];
    expect((await shell('$NOTIFY type=PROBLEM host=a')).code).toBe(0);
    expect(received).toHaveLength(2);
    expect(received[1]?.body).toEqual(received[0]?.body);
    received = [];
    statuses = [401];
    expect((await shell('$NOTIFY type=PROBLEM host=a')).code).not.toBe(0);
    expect(received).toHaveLength(1);
  });

  it('reads no file in place of a field, and says how it is used', async () => {
    for (const line of [
      '$NOTIFY type=PROBLEM @/etc/passwd',
      '$NOTIFY host@/etc/passwd',
      '$NOTIFY',
      `sh '${script}' x`,
    ]) {
      const { code, stderr } = await shell(line);
      expect([code, stderr.length > 10], line).toEqual([64, true]);
    }
    expect(received).toEqual([]);
  });
});

describe('the commands for Nagios', () => {
  const lines = [...commands.matchAll(/^ *command_line +(.*)$/gm)].map(match => match[1] ?? '');

  it('send fields that the source reads, each macro of hosts or of services between single quotes', () => {
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const fields = [...line.matchAll(/'([a-z_]+)=\$[A-Z]+\$'/g)].map(match => match[1]);
      expect(line.match(/\$/g)).toHaveLength(fields.length * 2);
      expect(fields.filter(name => !fieldNames.includes(name as never))).toEqual([]);
    }
    const all = new Set(lines.flatMap(line => [...line.matchAll(/'([a-z_]+)=/g)].map(match => match[1])));
    expect([...all].toSorted()).toEqual([...fieldNames].toSorted());
    expect(lines[1]).not.toContain('SERVICE');
  });
});

describe('the commands for Icinga 2', () => {
  const conf = readFileSync(new URL('../../deploy/icinga2/tocsin.conf', import.meta.url), 'utf8');
  const blocks = [...conf.matchAll(/command = \[([^\]]*)\]/g)].map(match => match[1] ?? '');

  it('send fields that the source reads, of hosts or of services', () => {
    expect(blocks).toHaveLength(2);
    for (const block of blocks) {
      const fields = [...block.matchAll(/"([a-z_]+)=\$[a-z_.]+\$"/g)].map(match => match[1]);
      expect(block.match(/\$/g)).toHaveLength(fields.length * 2);
      expect(fields.filter(name => !fieldNames.includes(name as never))).toEqual([]);
      expect(fields).toEqual(
        expect.arrayContaining(['type', 'host', 'state', 'state_type', 'output', 'time', 'author', 'comment']),
      );
    }
    expect(blocks[1]).not.toContain('service');
  });
});
