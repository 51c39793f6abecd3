import { execFile } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { missingPrograms, programPath } from '../../real/programs.ts';
import { whenReady } from '../../real/ready.ts';
import { startProgram } from '../programs.ts';
import { writeFiles } from '../real.ts';
import { openScene, placed } from './scene.ts';

/** A real fail2ban with the action of deploy/fail2ban, a jail on a log of ours that bans nothing, and Tocsin with the source of docs/senders.md. */

const missing = missingPrograms('fail2ban-server', 'fail2ban-client', 'curl');
const page = 'docs/senders.md';
const token = 'a token for tests';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

async function open() {
  const scene = await openScene(cleanUp, page, { FAIL2BAN_TOKEN: token });
  const { folder } = scene;
  const at = (name: string) => join(folder, name);
  const action = await placed(
    'fail2ban/tocsin.conf',
    { '/etc/fail2ban/tocsin.header': at('tocsin.header'), 'http://127.0.0.1:8080/': `${scene.app.app.url}/` },
    1,
  );
  await writeFiles(folder, {
    'tocsin.header': `X-Api-Key: ${token}\n`,
    'fail2ban.conf': `[Definition]
loglevel = INFO
logtarget = STDOUT
syslogsocket = auto
socket = ${at('socket')}
pidfile = ${at('pid')}
dbfile = ${at('fail2ban.sqlite3')}
dbpurgeage = 1d
dbmaxmatches = 10
`,
    'action.d/tocsin.conf': action,
    'filter.d/web.conf': '[Definition]\nfailregex = login failed user .* from <HOST>$\n',
    'jail.conf': `[web]
enabled = true
backend = polling
filter = web
logpath = ${at('web.log')}
usedns = no
maxretry = 2
findtime = 1h
bantime = 1h
action = tocsin
`,
    'web.log': '',
  });
  const paths = ['-c', folder, '-s', at('socket'), '-p', at('pid')];
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' };
  const start = async () => {
    const server = startProgram(programPath('fail2ban-server'), ['-f', ...paths, 'start'], { env, cwd: folder });
    cleanUp.defer(async () => void (await server.stop()));
    await whenReady(server, /Jail 'web' started/);
    return server;
  };
  const run = promisify(execFile);
  return {
    ...scene,
    start,
    client: (...words: string[]) => run(programPath('fail2ban-client'), [...paths, ...words], { env }),
    /** Somebody fails to sign in, so often as is one too much. */
    async attack(ip: string, user: string | Buffer) {
      const time = new Date().toISOString().slice(0, 19).replace('T', ' ');
      const line = Buffer.concat([
        Buffer.from(`${time} login failed user `),
        Buffer.from(user),
        Buffer.from(` from ${ip}\n`),
      ]);
      await appendFile(at('web.log'), Buffer.concat([line, line]));
    },
  };
}

describe.skipIf(missing !== null)('fail2ban', { timeout: 180_000 }, () => {
  test('a ban and its end are one alert, and what the attacker wrote arrives as it stood there', async () => {
    const { start, client, attack, alert, thread, effects } = await open();
    const server = await start();
    const user = '"ad\'min" C:\\Users\\new $(id) `id` $HOME ${IFS} & <b> ;| #x größe @/etc/passwd';
    await attack('192.0.2.77', user);
    const firing = await alert('the address is banned', 'web/192.0.2.77', one => one.state === 'firing');
    expect(firing).toMatchObject({
      title: '192.0.2.77 is banned by web',
      severity: 'info',
      labels: { jail: 'web', ip: '192.0.2.77' },
      trusted: true,
    });
    const line = `login failed user ${user} from 192.0.2.77`;
    const lines = firing.annotations['matches']?.split('\n') ?? [];
    expect(lines.map(text => text.slice(-line.length))).toEqual([line, line]);
    await thread(firing, ([root = '']) => root.includes('(firing)'));
    await client('set', 'web', 'unbanip', '192.0.2.77');
    const over = await alert('the ban is over', 'web/192.0.2.77', one => one.state === 'resolved');
    expect(over).toMatchObject({ id: firing.id, episode: 1, end: { how: 'told' } });
    expect(await effects(firing)).toEqual(['opened', 'resolved']);
    expect(server.output()).not.toMatch(/ERROR/);
  });

  test('an address of IPv6, banned by hand; a restart ends the ban and starts it again', async () => {
    const { start, client, alert, effects } = await open();
    const server = await start();
    await client('set', 'web', 'banip', '2001:db8::1');
    const key = 'web/2001:db8::1';
    const firing = await alert('it is banned', key, one => one.state === 'firing');
    await server.stop();
    await alert('it is no more', key, one => one.state === 'resolved');
    await start();
    const again = await alert('it is again', key, one => one.state === 'firing');
    expect(again.id).toBe(firing.id);
    expect(await effects(firing)).toEqual(['opened', 'resolved', expect.stringMatching(/^(opened|reopened)$/)]);
  });
});
