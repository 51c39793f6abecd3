import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createKnownBad } from '../../../src/flow/gates/known-bad.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { noEvidence } from '../../../src/model/gates/evidence.ts';
import { feedMemo } from '../../../src/model/gates/feed.ts';
import type { KnownBadFile } from '../../../src/ports/catalogue.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const image = `registry.example/checkout@${digest}`;
const kev = (...ids: string[]) =>
  JSON.stringify({
    title: 'CISA Catalog of Known Exploited Vulnerabilities',
    catalogVersion: '2026.11.20',
    dateReleased: '2026-11-20T15:00:00.0000Z',
    count: ids.length,
    vulnerabilities: ids.map(cveID => ({ cveID, vulnerabilityName: 'A flaw', dateAdded: '2026-11-20', cwes: [] })),
  });

/** A server of feeds as real ones are: an ETag for each text, and 304 to who has it. */
async function startFeedServer() {
  const texts = new Map<string, { text: string; tag: string }>();
  const asked: { path: string; tag: string | undefined; status: number }[] = [];
  let answer: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const found = texts.get(path);
    const tag = request.headers['if-none-match'];
    if (answer !== null) return answer(request, response);
    const status = found === undefined ? 404 : found.tag === tag ? 304 : 200;
    asked.push({ path, tag, status });
    response.writeHead(status, found === undefined ? {} : { etag: found.tag });
    response.end(status === 200 ? found?.text : undefined);
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    asked,
    url: (path: string) => `http://127.0.0.1:${port}${path}`,
    serve: (path: string, text: string) =>
      void texts.set(path, { text, tag: `"${texts.size}-${text.length}-${Date.now()}"` }),
    /** Answers everything in this way; null for as before. */
    be(next: typeof answer) {
      answer = next;
    },
    close: () =>
      new Promise<void>(done => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

describe('feeds of what is known to be bad', () => {
  const open: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.stop();
  });
  const server = async () => {
    const made = await startFeedServer();
    open.push({ stop: made.close });
    return made;
  };
  const start = async (port: number, feeds: string, options: Parameters<typeof startTestApp>[1] = {}) => {
    const app = await startTestApp(
      {
        'tocsin.yaml': `${basicConfig}\negress: { private: ["127.0.0.1:${port}"] }\n`,
        'gates.yaml': 'gates: { deploy: { ask: [ci] } }',
        'policy.yaml': 'rules: [{ name: free, when: gate.name == "deploy", decide: auto }]',
        'known-bad.yaml': `feeds:\n${feeds}`,
      },
      options,
    );
    open.push(app);
    return app;
  };
  const ask = async (app: TestApp, of: object = { image }) =>
    (await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject: of } })).body;
  const stateOf = async (app: TestApp, feed: string) => {
    const text = await app.app.store.memo(feedMemo(feed));
    return text === null ? null : JSON.parse(text);
  };
  const partOf = async (app: TestApp, feed: string) =>
    (await app.call('GET', '/readyz', { as: null })).body.parts[`known bad ${feed}`];

  it('are polled with their ETag, hold in an outage and after a restart, and say how old they are', async () => {
    const from = await server();
    from.serve('/list', `# what we took down\n${digest} # it loses orders\n`);
    const feeds = `  ours: { kind: list, url: "${from.url('/list')}", every: 1s, blocks: all }`;
    const app = await start(from.port, feeds, { keep: true });
    await app.until(async () => (await stateOf(app, 'ours'))?.entries === 1);
    const denied = await ask(app);
    expect(denied).toMatchObject({ verdict: 'deny', rule: 'known bad' });
    expect(denied.because).toMatch(/it loses orders \(ours as of \d{4}-\d\d-\d\d \d\d:\d\d UTC\)/);
    // A second look sends the tag, and is answered without the text.
    await app.until(async () => from.asked.some(({ status, tag }) => status === 304 && tag !== undefined));
    expect(await partOf(app, 'ours')).toBe(null);

    from.be((_request, response) => response.writeHead(503).end());
    await app.until(async () => (await partOf(app, 'ours'))?.includes('answered 503'));
    expect(await partOf(app, 'ours')).toMatch(/what it said at .* holds/);
    expect(await ask(app, { image, service: 'again' })).toMatchObject({ verdict: 'deny' });
    await app.stop();
    open.pop();

    const later = await start(from.port, feeds, { folder: app.folder });
    expect(await ask(later, { image, service: 'later' })).toMatchObject({ verdict: 'deny' });
    const read = (await later.journal()).filter(({ fact }) => fact.kind === 'known-bad.read');
    expect(read.map(({ fact }) => fact)).toMatchObject([{ feed: 'ours', entries: 1 }]);
    // When it is back and says something else, that counts, and what was allowed before ends.
    const other = `registry.example/checkout@sha256:${'1'.repeat(64)}`;
    const allowed = await ask(later, { image: other });
    expect(allowed.verdict).toBe('allow');
    from.serve('/list', `sha256:${'1'.repeat(64)}`);
    from.be(null);
    await later.until(async () => (await later.app.store.document('gate', allowed.id))?.state === 'void');
    expect(await ask(later)).toMatchObject({ verdict: 'allow' });
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['is no JSON', response => response.end('<html>please sign in</html>'), 'not one json document'],
    ['is of another kind', response => response.end('{"vulnerabilities": 7}'), 'is no list'],
    ['has lost all its entries', response => response.end(kev()), 'no entries any more'],
    ['is something else', response => response.end('[{"name": "x"}, {"name": "y"}]'), 'not understood'],
    ['is nested without end', response => response.end('['.repeat(200_000)), 'limit'],
    ['is far too large', response => flood(response), 'larger'],
    ['names a key twice', response => response.end('{"vulnerabilities": [], "vulnerabilities": []}'), 'twice'],
  ])('that %s changes nothing', async (_what, answer, because) => {
    const from = await server();
    from.serve('/kev.json', kev('CVE-2024-1001'));
    const app = await start(from.port, `  kev: { kind: kev, url: "${from.url('/kev.json')}", every: 1s }`);
    const good = await app.until(async () => {
      const state = await stateOf(app, 'kev');
      return state?.entries === 1 ? state : null;
    });
    from.be((_request, response) => answer(response));
    const after = await app.until(async () => {
      const state = await stateOf(app, 'kev');
      return state?.trouble === null ? null : state;
    });
    expect(after).toMatchObject({ digest: good.digest, entries: 1, readAt: expect.any(Number) });
    expect(after.trouble.toLowerCase()).toContain(because);
  });

  it('of one kind do not stop those of another, and an address beyond egress is refused', async () => {
    const from = await server();
    from.serve('/kev.json', kev('CVE-2024-1001', 'CVE-2024-1002'));
    const feeds = [
      `  kev: { kind: kev, url: "${from.url('/kev.json')}", every: 1s }`,
      '  far: { kind: list, url: "http://169.254.169.254/list", every: 1s }',
    ].join('\n');
    const app = await start(from.port, feeds);
    await app.until(async () => (await stateOf(app, 'kev'))?.entries === 2);
    const far = await app.until(async () => await stateOf(app, 'far'));
    expect(far).toMatchObject({ readAt: null, entries: 0 });
    expect(await partOf(app, 'far')).toContain('never read');
    expect(await ask(app)).toMatchObject({ verdict: 'allow' });
  });

  it('of OSV may be an index of records on the same server', async () => {
    const from = await server();
    const record = (id: string) =>
      JSON.stringify({ id, affected: [{ package: { ecosystem: 'npm', name: id }, versions: ['1.0.0'] }] });
    from.serve('/osv/index.json', '["one.json", "two.json"]');
    from.serve('/osv/one.json', record('osv-1'));
    from.serve('/osv/two.json', record('osv-2'));
    const app = await start(from.port, `  osv: { kind: osv, url: "${from.url('/osv/index.json')}", every: 1s }`);
    // Two ids and two packages.
    await app.until(async () => (await stateOf(app, 'osv'))?.entries === 4);
    from.serve('/osv/index.json', '["http://198.51.100.7/one.json"]');
    await app.until(async () => (await stateOf(app, 'osv'))?.trouble?.includes('another server'));
  });

  it('are read from the store by a node that polls nothing', async () => {
    const from = await server();
    from.serve('/list', digest);
    const app = await start(from.port, `  ours: { kind: list, url: "${from.url('/list')}", every: 1s }`);
    await app.until(async () => (await stateOf(app, 'ours'))?.entries === 1);
    const file: KnownBadFile = app.app.catalogue.current().knownBad;
    const other = createKnownBad({ store: app.app.store, clock: systemClock, file: () => file, path: '' });
    expect(await other.match({ image }, noEvidence)).toMatchObject([{ what: digest, from: 'ours', sure: true }]);
    const next = `sha256:${'2'.repeat(64)}`;
    from.serve('/list', `${digest}\n${next}`);
    await app.until(async () => (await other.match({ image: `a@${next}` }, noEvidence)).length === 1);
  });
});

/** More than any feed may have, without an end; it stops when nobody reads on. */
function flood(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = `${' '.repeat(64 * 1024 - 1)}\n`;
  let left = (50 * 1024 * 1024) / chunk.length;
  const more = () => {
    while (left-- > 0) if (!response.write(chunk)) return void response.once('drain', more);
    response.end();
  };
  response.on('error', () => {});
  more();
}
