import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { eventually, freePort, type Program, startProgram } from '../e2e/programs.ts';
import { startPostgres } from './postgres.ts';
import { programPath } from './programs.ts';
import { whenReady } from './ready.ts';

/** A Zabbix of Debian: its server and the API of its frontend, with a PostgreSQL of its own. */
export interface Zabbix {
  /** Of the frontend. */
  url: string;
  server: Program;
  /** Calls the API as its administrator. Rejects with what Zabbix refuses. */
  call<T>(method: string, params: object | readonly unknown[], shape: z.ZodType<T>): Promise<T>;
  /** Gives a value to a trapper item, once the server knows the item. */
  send(host: string, key: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

const [data, frontend] = ['/usr/share/zabbix-server-pgsql', '/usr/share/zabbix'];

export async function startZabbix(folder: string): Promise<Zabbix> {
  await using started = new AsyncDisposableStack();
  const postgres = await startPostgres({ fsync: 'off', max_connections: '60' });
  started.defer(postgres.destroy);
  const database = await postgres.database();
  for (const name of ['schema', 'images', 'data'])
    await load(join(data, `${name}.sql.gz`), database, postgres.programs);
  const [port, webPort] = [await freePort(), await freePort()];
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', TZ: 'UTC' };
  const name = new URL(database).pathname.slice(1);
  await writeFile(join(folder, 'server.conf'), serverConfig({ folder, port, databasePort: postgres.port, name }));
  const server = startProgram(programPath('zabbix_server'), ['-f', '-c', join(folder, 'server.conf')], {
    env,
    cwd: folder,
  });
  started.defer(async () => void (await server.stop()));
  await whenReady(server, /server #\d+ started \[escalator #1\]/);
  const web = join(folder, 'web');
  await cp(frontend, web, { recursive: true, verbatimSymlinks: true });
  await configure(web, { databasePort: postgres.port, name, port });
  const php = startProgram(programPath('php'), ['-d', 'date.timezone=UTC', '-S', `127.0.0.1:${webPort}`, '-t', web], {
    env,
    cwd: folder,
  });
  started.defer(async () => void (await php.stop()));
  const url = `http://127.0.0.1:${webPort}`;
  await eventually('the API answers', async () => ((await fetch(`${url}/api_jsonrpc.php`)).status > 0 ? true : null));
  const auth = await ask(url, 'user.login', { username: 'Admin', password: 'zabbix' }, null, z.string());
  const owned = started.move();
  return {
    url,
    server,
    call: (method, params, shape) => ask(url, method, params, auth, shape),
    send: (host, key, value) =>
      eventually(`the server takes ${key}`, async () => {
        const answer = await tell(port, { request: 'sender data', data: [{ host, key, value }] });
        return answer.includes('processed: 1;') ? true : null;
      }).then(() => {}),
    stop: () => owned.disposeAsync(),
  };
}

async function load(file: string, database: string, programs: string): Promise<void> {
  const words = `set -e; zcat "$1" | "$2/psql" -q -o /dev/null -v ON_ERROR_STOP=1 "$3"`;
  const child = spawn('sh', ['-c', words, 'sh', file, programs, database], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`psql ended with ${code} on ${file}`);
}

function serverConfig(given: { folder: string; port: number; databasePort: number; name: string }): string {
  const none = ['Pingers', 'HTTPPollers', 'Discoverers', 'VMwareCollectors', 'JavaPollers'];
  return [
    'LogType=console',
    'AllowRoot=1',
    `PidFile=${join(given.folder, 'server.pid')}`,
    `SocketDir=${given.folder}`,
    'DBHost=127.0.0.1',
    `DBPort=${given.databasePort}`,
    `DBName=${given.name}`,
    'DBUser=tocsin',
    'ListenIP=127.0.0.1',
    `ListenPort=${given.port}`,
    'StartPollers=1',
    'StartPollersUnreachable=1',
    'StartTrappers=2',
    'StartDBSyncers=1',
    'StartPreprocessors=1',
    'StartHistoryPollers=0',
    'StartLLDProcessors=1',
    'StartAlerters=2',
    'CacheUpdateFrequency=1',
    ...none.map(one => `Start${one}=0`),
    '',
  ].join('\n');
}

/** Debian's frontend has the place of its configuration in its source. */
async function configure(web: string, given: { databasePort: number; name: string; port: number }): Promise<void> {
  const source = join(web, 'include/classes/core/CConfigFile.php');
  const text = await readFile(source, 'utf8');
  const own = join(web, 'own.conf.php');
  if (!text.includes("'/etc/zabbix/zabbix.conf.php'")) throw new Error(`${source} names no file of its configuration`);
  await writeFile(source, text.replaceAll("'/etc/zabbix/zabbix.conf.php'", `'${own}'`));
  await writeFile(
    own,
    `<?php
$DB['TYPE'] = 'POSTGRESQL';
$DB['SERVER'] = '127.0.0.1';
$DB['PORT'] = '${given.databasePort}';
$DB['DATABASE'] = '${given.name}';
$DB['USER'] = 'tocsin';
$DB['PASSWORD'] = '';
$DB['SCHEMA'] = '';
$DB['ENCRYPTION'] = false;
$DB['DOUBLE_IEEE754'] = true;
$ZBX_SERVER = '127.0.0.1';
$ZBX_SERVER_PORT = '${given.port}';
$ZBX_SERVER_NAME = '';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
`,
  );
}

const answered = z.object({ result: z.unknown(), error: z.object({ data: z.string() }).optional() });

async function ask<T>(
  url: string,
  method: string,
  params: object,
  auth: string | null,
  shape: z.ZodType<T>,
): Promise<T> {
  const answer = await fetch(`${url}/api_jsonrpc.php`, {
    method: 'POST',
    headers: { 'content-type': 'application/json-rpc' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params, auth }),
  });
  const text = await answer.text();
  if (!text.startsWith('{')) throw new Error(`${method}: ${answer.status} ${text.slice(0, 2000)}`);
  const { result, error } = answered.parse(JSON.parse(text));
  if (error !== undefined) throw new Error(`${method}: ${error.data}`);
  return shape.parse(result);
}

/** ZBXD, flags, the length as eight bytes, JSON. Source: Zabbix manual, protocols, header and trapper items. */
async function tell(port: number, message: object): Promise<string> {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(13);
  head.write('ZBXD\u0001', 'latin1');
  head.writeUInt32LE(body.length, 5);
  const socket = connect(port, '127.0.0.1');
  socket.end(Buffer.concat([head, body]));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
