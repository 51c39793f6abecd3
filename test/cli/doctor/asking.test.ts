import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AlertmanagerDouble, startAlertmanagerDouble } from '../../doubles/alertmanager.ts';
import { cli } from '../terminal.ts';

let folder: string;
let origin: AlertmanagerDouble;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-asking-'));
  origin = await startAlertmanagerDouble(Date.now);
  await mkdir(join(folder, 'runbooks'));
  await writeFile(join(folder, 'policy.yaml'), 'rules: [{ name: ask, decide: approve, by: you }]');
});
afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

async function doctor(sources: string) {
  await writeFile(join(folder, 'tocsin.yaml'), `sources:\n${sources}\npeople: { you: {} }\n`);
  const env = {
    TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
    TOCSIN_DATA: join(folder, 'data'),
    TOCSIN_LISTEN: '127.0.0.1:1',
  };
  return await cli(['doctor'], { cwd: folder, env });
}

/** The lines below the name of a source. */
const partOf = (out: string, name: string) => new RegExp(`^${name}\\n((?: .*\\n?)*)`, 'm').exec(out)?.[1] ?? '';

/** A server that refuses whoever asks. */
async function refusing() {
  const server = createServer((_request, response) => response.writeHead(401).end('{}'));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close: () => new Promise(resolve => server.close(resolve)) };
}

const lost = /without {2}verify waits for the next webhook; a resolve that was lost on the way is never found/;

it('says nothing of an origin that answers', async () => {
  const { out } = await doctor(`  alertmanager: { token: s, url: '${origin.url}' }`);
  expect(partOf(out, 'alertmanager')).toContain('ok       the API of Alertmanager');
  expect(out).not.toContain('without  ');
});

it('tells one without its options: which, why, what to set and what does not work', async () => {
  const { code, out } = await doctor(
    '  alertmanager: { token: s }\n  pagerduty: { secret: s }\n  github: { secret: s, repositories: [acme/shop] }',
  );
  expect(code, out).toBe(0);
  expect(partOf(out, 'alertmanager')).toMatch(/warning {2}the API of Alertmanager/);
  expect(partOf(out, 'alertmanager')).toMatch(lost);
  expect(partOf(out, 'alertmanager')).toContain('do       Set url');
  expect(partOf(out, 'pagerduty')).toMatch(lost);
  expect(partOf(out, 'pagerduty')).toContain('nobody knows who is on call');
  expect(partOf(out, 'github')).toMatch(
    /warning {2}the way back to github\n.*do not say how.*\n.*without {2}it is not told/,
  );
  expect(partOf(out, 'github')).toContain('Set apiToken or app');
});

it.each(['alertmanager', 'grafana'])('tells a refusal by %s, and what does not work until then', async type => {
  const server = await refusing();
  try {
    const { code, out } = await doctor(
      `  mine: { type: ${type}, token: s, url: '${server.url}', headers: { x-a: wrong } }`,
    );
    expect(code).toBe(1);
    expect(partOf(out, 'mine')).toMatch(/bad {6}the API of .*\n.*401/);
    expect(partOf(out, 'mine')).toMatch(lost);
  } finally {
    await server.close();
  }
});

it('tells one that is dead, and does not stop at it', async () => {
  const dead = origin.url;
  await origin.close();
  const { code, out } = await doctor(
    `  first: { type: alertmanager, token: s, url: '${dead}' }\n  second: { type: pagerduty, secret: s, apiToken: t, from: a@example.com, apiUrl: '${dead}' }`,
  );
  expect(code).toBe(1);
  expect(partOf(out, 'first')).toMatch(/bad {6}the API of Alertmanager\n.*because.*\n.*without.*\n.*do {7}See that/);
  expect(partOf(out, 'first')).toMatch(lost);
  expect(partOf(out, 'second')).toMatch(/bad {6}the key of the REST API/);
  expect(partOf(out, 'second')).toMatch(lost);
  origin = await startAlertmanagerDouble(Date.now);
});
