import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort } from '../../real/free-port.ts';
import { startNginx } from '../../real/nginx.ts';
import { form, runStep, type ShownStep, shown, swap, words } from './page.ts';
import { outlives, silent } from './waiting.ts';

const programs = ['curl'];
let folder = '';
let server: Server;
let url = '';
/** The bodies that arrived at `/reports`. */
const arrived: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-safe-'));
  await writeFile(join(folder, 'report.json'), '{"free":12}');
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.url === '/broken') return response.writeHead(500).end('the disk of the server is full\n');
    arrived.push(`${request.method} ${body}`);
    return response.end('taken\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  url = `http://127.0.0.1:${address.port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const post = (to: string, file = join(folder, 'report.json')): ShownStep =>
  swap(swap(shown('report'), 'https://api.example.com/reports', to), '/srv/report.json', file);

form('curl', '--fail-with-body', [...programs, 'nginx'], async () => {
  const broken = post(`${url}/broken`);
  const body = 'the disk of the server is full\n';
  expect(await runStep(broken)).toMatchObject({ state: 'failed', exitCode: 22, stdout: body });
  expect(await runStep(words(broken, ['--fail-with-body']))).toMatchObject({ state: 'done', stdout: body });
  expect(await runStep(words(broken, ['--fail-with-body'], ['-f']))).toMatchObject({ exitCode: 22, stdout: '' });

  const slow = await silent();
  const port = await freePort();
  const proxy = `location / { proxy_pass http://127.0.0.1:${slow.port}; proxy_read_timeout 1s; }`;
  const nginx = await startNginx(`server { listen 127.0.0.1:${port}; ${proxy} }\n`, port);
  const through = post(`http://127.0.0.1:${port}/`);
  const [safe, plain] = await Promise.all([runStep(through), runStep(words(through, ['--fail-with-body']))]);
  await nginx.stop();
  slow.close();
  expect(safe).toMatchObject({ state: 'failed', exitCode: 22, stderr: expect.stringContaining('504') });
  expect(plain).toMatchObject({ state: 'done', stdout: expect.stringContaining('504') });
});

/** An address that drops packets is not to be had on loopback; one whose queue of connections is full is. */
form('curl', '--connect-timeout 5', [...programs, 'python3'], async () => {
  const full = words(post(`${url}/reports`), ['curl'], ['python3', '-c', fillQueue, 'curl']);
  const safe = words(words(full, ['--connect-timeout', '5'], ['--connect-timeout', '1']), ['--max-time', '30']);
  const plain = words(words(full, ['--connect-timeout', '5']), ['--max-time', '30']);
  const ran = await outlives(safe, plain, {});
  expect(ran).toMatchObject({ state: 'failed', exitCode: 28, stderr: expect.stringMatching(/connect/i) });
});

/** Runs the command that follows with its last word led to a listener that accepts nobody, and whose queue is full. */
const fillQueue = `
import socket, subprocess, sys
listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen(0)
address = listener.getsockname(); waiting = []
for _ in range(4):
    one = socket.socket(); one.setblocking(False); one.connect_ex(address); waiting.append(one)
sys.exit(subprocess.call([*sys.argv[1:-1], 'http://127.0.0.1:%d/' % address[1]]))
`;

form('curl', '--max-time 30', programs, async () => {
  const slow = await silent();
  const step = post(`http://127.0.0.1:${slow.port}/`);
  const safe = words(step, ['--max-time', '30'], ['--max-time', '1']);
  const ran = await outlives(safe, words(step, ['--max-time', '30']), {});
  slow.close();
  expect(ran).toMatchObject({ state: 'failed', exitCode: 28 });
});

form('curl', '-T /srv/report.json', programs, async () => {
  expect(await runStep(post(`${url}/reports`))).toMatchObject({ state: 'done', stdout: 'taken\n' });
  expect(arrived.splice(0)).toEqual(['POST {"free":12}']);
  const missing = post(`${url}/reports`, join(folder, 'missing.json'));
  expect(await runStep(missing)).toMatchObject({ state: 'failed', exitCode: 26 });
  expect(arrived).toEqual([]);
  for (const flag of ['-d', '--data-binary']) {
    const from = ['-T', join(folder, 'missing.json')];
    const loose = words(missing, from, [flag, `@${join(folder, 'missing.json')}`]);
    expect(await runStep(loose)).toMatchObject({ state: 'done', stdout: 'taken\n' });
  }
  expect(arrived.splice(0)).toEqual(['POST ', 'POST ']);
});

form('curl', '-sS', programs, async () => {
  const step = post(`${url}/reports`);
  expect(await runStep(step)).toMatchObject({ stderr: '' });
  expect(await runStep(words(step, ['-sS']))).toMatchObject({ stderr: expect.stringContaining('% Total') });
  const nobody = post('http://127.0.0.1:1/');
  expect(await runStep(nobody)).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('connect') });
  expect(await runStep(words(nobody, ['-sS'], ['-s']))).toMatchObject({ exitCode: 7, stderr: '' });
});
