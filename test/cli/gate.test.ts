import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { cli } from './terminal.ts';

const image = `registry.example/checkout@sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
let app: TestApp;
let env: Record<string, string>;

beforeAll(async () => {
  app = await startTestApp({
    'gates.yaml': 'gates: { deploy: { ask: [ci], needs: [image, environment] } }\n',
    'policy.yaml': `
rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: never, when: 'gate.subject.service == "legacy"', decide: deny }
  - { name: ask, decide: approve, by: sre, expires: 10m }
`,
  });
  env = { TOCSIN_URL: app.app.url, TOCSIN_TOKEN: tokens['CI'] ?? '' };
});
afterAll(async () => await app.stop());

const ask = (...words: string[]) => cli(['gate', 'deploy', '--image', image, ...words], { env });

describe('tocsin gate', () => {
  it('ends with 0 for an allow, and shows the thread', async () => {
    const { code, out, err } = await ask('--environment', 'staging');
    expect([code, out]).toEqual([0, 'allow: rule "staging" holds: gate.subject.environment == "staging"']);
    expect(err).toMatch(/^gat_\w+ {2}allow {2}http:\/\/127\.0\.0\.1:\d+\/gate\/gat_\w+$/);
  });

  it('ends with 1 for a deny, also with --fail-open', async () => {
    const { code, out } = await ask('--environment', 'production', '--service', 'legacy', '--fail-open');
    expect([code, out]).toEqual([1, 'deny: rule "never" holds: gate.subject.service == "legacy"']);
  });

  it('ends with 2 while it is pending, also with --fail-open', async () => {
    const { code, out, err } = await ask(
      '--environment',
      'production',
      '--change',
      'CHG-1',
      '--wait',
      '1s',
      '--fail-open',
    );
    expect(code).toBe(2);
    expect(out).toMatch(/^pending: /);
    expect(err).not.toContain('NOT ASKED');
  });

  it('waits for people, and sends all that it was given', async () => {
    const waiting = ask(
      ...[
        '--environment',
        'production',
        '--service',
        'checkout',
        '--repository',
        'acme/checkout',
        '--sha',
        'a'.repeat(40),
      ],
      ...['--change', 'CHG-2', '--actor', 'bob', '--link', 'build=https://ci.example/1?a=b', '--wait', '1m', '--json'],
    );
    const gate = await app.until(async () =>
      (await app.app.store.documents('gate', { state: 'pending' })).find(one => one.subject.change === 'CHG-2'),
    );
    expect(gate.subject).toEqual({
      environment: 'production',
      service: 'checkout',
      repository: 'acme/checkout',
      sha: 'a'.repeat(40),
      image,
      change: 'CHG-2',
      actor: 'bob',
      links: [{ label: 'build', url: 'https://ci.example/1?a=b' }],
    });
    const vote = await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'approve' } });
    expect(vote.status).toBe(200);
    const { code, out } = await waiting;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: gate.id, verdict: 'allow', because: 'approved by alice' });
  });

  it('takes no actor from the environment of a pipeline', async () => {
    const of = { ...env, GITHUB_ACTOR: 'bob', GITLAB_USER_LOGIN: 'bob' };
    await cli(['gate', 'deploy', '--image', image, '--environment', 'staging', '--change', 'CHG-3'], { env: of });
    const found = (await app.app.store.documents('gate', {})).find(one => one.subject.change === 'CHG-3');
    expect(found?.subject.actor).toBeUndefined();
  });

  it.each([
    [['gate', 'deplyo', '--image', image, '--environment', 'staging'], 1, 'Did you mean "deploy"?'],
    [['gate', 'deploy', '--environment', 'staging'], 1, 'needs image'],
    [['gate', 'deploy', '--image', 'checkout:latest', '--environment', 'staging'], 1, 'a tag may be moved'],
    [['gate', 'deploy', '--link', 'nothing'], 2, 'is not label=url'],
    [['gate', 'deploy', '--wait', '10'], 2, 'is not a time'],
    [['gate', 'deploy', '--enviroment', 'x'], 2, 'Did you mean --environment?'],
    [['gate'], 2, 'Something is missing'],
  ] as const)('refuses %j, and lets nothing through', async (words, expected, text) => {
    const { code, err } = await cli(words[1] === undefined ? words : [...words, '--fail-open'], { env });
    expect([code, err]).toEqual([expected, expect.stringContaining(text)]);
  });

  it('is refused with a wrong token, also with --fail-open', async () => {
    const { code } = await cli(['gate', 'deploy', '--image', image, '--environment', 'staging', '--fail-open'], {
      env: { ...env, TOCSIN_TOKEN: 'wrong' },
    });
    expect(code).toBe(1);
  });
});

describe('where Tocsin does not answer', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });
  /** Answers the first requests as told, and later ones with what Tocsin says. */
  async function answering(answers: readonly (number | 'cut' | 'html')[]): Promise<{ url: string; keys: string[] }> {
    const left = [...answers];
    const keys: string[] = [];
    const server = createServer(async (request, response) => {
      if (request.headers['idempotency-key'] !== undefined) keys.push(String(request.headers['idempotency-key']));
      const next = left.length > 1 ? left.shift() : left[0];
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      if (next === 'cut') return void request.socket.destroy();
      if (next === 'html') return void response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>502</h1>');
      if (next !== 200) {
        const error = { code: 'store-failed', message: 'The database failed.', remedy: 'Try again.' };
        return void response
          .writeHead(next ?? 500, { 'content-type': 'application/json' })
          .end(JSON.stringify({ error }));
      }
      const headers = request.headers as Record<string, string>;
      const { host: _, connection: __, ...rest } = headers;
      const method = request.method ?? 'GET';
      const answer = await fetch(app.app.url + request.url, {
        method,
        headers: rest,
        ...(method === 'POST' && { body }),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    });
    servers.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys };
  }
  const askAt = (url: string, ...words: string[]) =>
    cli(['gate', 'deploy', '--image', image, '--environment', 'staging', '--change', url, ...words], {
      env: { ...env, TOCSIN_URL: url },
    });

  it.each(['cut', 'html', 503, 500] as const)(
    '%s: 3, and 0 only with --fail-open, which is said aloud',
    async answer => {
      const { url } = await answering([answer]);
      expect((await askAt(url)).code).toBe(3);
      const open = await askAt(url, '--fail-open');
      expect([open.code, open.err, open.out]).toEqual([0, expect.stringContaining('GATE NOT ASKED'), '']);
    },
  );

  it('tries again for as long as it waits, as one question', async () => {
    const { url, keys } = await answering(['cut', 503, 'html', 200]);
    const { code, err } = await askAt(url, '--wait', '1m');
    expect([code, err]).toEqual([0, expect.stringContaining('trying again')]);
    expect([keys.length, new Set(keys).size]).toEqual([4, 1]);
  });

  it('gives up at the end of the wait', async () => {
    const { url, keys } = await answering([503]);
    expect((await askAt(url, '--wait', '1s')).code).toBe(3);
    expect(keys.length).toBeGreaterThan(1);
  });

  it('does not let through what was asked and not answered, whatever --fail-open says', async () => {
    const { url } = await answering([200, 'cut']);
    const words = ['--environment', 'production', '--change', 'CHG-9', '--wait', '2s', '--fail-open'];
    const { code, err } = await cli(['gate', 'deploy', '--image', image, ...words], {
      env: { ...env, TOCSIN_URL: url },
    });
    expect([code, err]).toEqual([3, expect.stringContaining('It was asked, and no answer came')]);
    expect(err).not.toContain('NOT ASKED');
  });
});
