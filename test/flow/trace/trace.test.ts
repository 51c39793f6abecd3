import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { tracingSettings } from '../../../src/app/tracing.ts';
import { traceOfEpisode, traceOfEvent, traceOfRun } from '../../../src/flow/trace/ids.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { type Collector, type ReceivedSpan, startCollector } from '../../doubles/collector.ts';
import { startDiscord } from '../../doubles/discord/index.ts';
import { helloRunbook } from '../files.ts';

const secret = 'the-word-that-nobody-may-see';
const runbook = (folder: string) =>
  helloRunbook(`  - id: twice
    script: 'cd ${folder}; test -f "$PARAM_HOST" || { touch "$PARAM_HOST"; exit 1; }'
    idempotent: true
    retry: { times: 2, wait: 1s }
  - id: sure
    approve: { ask: Go on?, by: sre }
  - id: gone
    verify: { resolved: true, within: 10m }
`);
const oneStep = runbook('').replace(/ {2}- id: twice[\s\S]*/, '');
const ask = 'rules:\n  - name: ask sre\n    decide: approve\n    by: sre\n    expires: 30m\n';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-trace-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function collect(): Promise<Collector> {
  const collector = await startCollector();
  endings.push(() => collector.close());
  return collector;
}

async function startTraced(
  collector: Pick<Collector, 'url'>,
  files: Record<string, string>,
  options: Parameters<typeof startTestApp>[1] = {},
): Promise<TestApp> {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...options.env };
  const test = await startTestApp(files, { ...options, env });
  endings.push(() => test.stop());
  return test;
}

const find = (spans: readonly ReceivedSpan[], name: string) => spans.filter(span => span.name === name);
const names = (spans: readonly ReceivedSpan[]) => spans.map(span => span.name);

async function approveNext(test: TestApp): Promise<void> {
  const approval = await test.until(async () => (await test.call('GET', '/api/v1/approvals?state=open')).body[0]);
  const path = `/api/v1/approvals/${approval.id}/votes`;
  expect((await test.call('POST', path, { body: { vote: 'approve', reason: secret } })).status).toBe(200);
}

describe('one trace for each episode', () => {
  it('has what happened, each under what it belongs to, and nothing that was said', async () => {
    const collector = await collect();
    const test = await startTraced(collector, {
      'policy.yaml': ask,
      'runbooks/hello.yaml': runbook(await newFolder()),
    });
    const facts = { host: `${secret}.example` };
    const { alert } = await test.alert({ alertname: 'Hello', ...facts });
    for (let n = 0; n < 5; n++) await test.alert({ alertname: 'Hello', ...facts });
    await approveNext(test);
    await test.until(async () => ((await test.runs())[0]?.state === 'waiting' ? true : null));
    await approveNext(test);
    await test.until(async () => (await test.runs())[0]?.steps.find(step => step.id === 'gone')?.state === 'waiting');
    await test.alert({ alertname: 'Hello', ...facts }, { status: 'resolved' });
    const run = await test.ended((await test.runs())[0]?.id ?? '');
    expect(run.state).toBe('succeeded');
    const spans = await test.until(async () =>
      find(collector.spans, 'run hello').length > 0 ? collector.spans : null,
    );

    expect(collector.faults).toEqual([]);
    const { trace, root } = traceOfEpisode(alert, 1);
    expect(new Set(spans.map(span => span.trace))).toEqual(new Set([trace]));
    const [whole] = find(spans, 'run hello');
    const opened = find(spans, 'event accepted').find(span => span.parent === null);
    expect(opened).toMatchObject({
      id: root,
      attributes: { 'tocsin.event.effect': 'opened', 'tocsin.alert.id': alert },
    });
    expect(find(spans, 'event accepted')).toHaveLength(2);
    expect(whole).toMatchObject({ parent: root, failed: false, attributes: { 'tocsin.run.state': 'succeeded' } });
    expect(find(spans, 'decision')).toMatchObject([
      { parent: root, attributes: { 'tocsin.decision.verdict': 'approve', 'tocsin.decision.rule': 'ask sre' } },
    ]);
    const approvals = find(spans, 'approval');
    expect(approvals.map(span => span.parent)).toEqual([root, whole?.id]);
    expect(approvals.map(span => span.attributes['tocsin.approval.state'])).toEqual(['approved', 'approved']);
    expect(find(spans, 'queued')).toMatchObject([{ parent: root, attributes: { 'tocsin.run.id': run.id } }]);
    expect(
      find(spans, 'step twice').map(span => [span.parent, span.failed, span.attributes['tocsin.step.attempt']]),
    ).toEqual([
      [whole?.id, true, 1],
      [whole?.id, false, 2],
    ]);
    expect(find(spans, 'step hello')).toMatchObject([
      { attributes: { 'process.exit.code': 0, 'tocsin.step.type': 'exec' } },
    ]);
    expect(find(spans, 'step gone')).toHaveLength(1);
    expect(spans.every(span => span.start <= span.end)).toBe(true);
    expect(new Set(spans.map(span => span.id)).size).toBe(spans.length);
    // Every parent was sent too: nothing hangs in the air.
    const ids = new Set(spans.map(span => span.id));
    expect(spans.filter(span => span.parent !== null && !ids.has(span.parent))).toEqual([]);
    expect(collector.bodies.join('')).not.toContain(secret);
    expect(spans[0]?.resource).toMatchObject({ 'service.name': 'tocsin', 'service.version': 'test' });
  });

  it('a run without an alert has a trace of its own, and one that was called is in that of its caller', async () => {
    const collector = await collect();
    const test = await startTraced(collector, {
      'policy.yaml': 'rules:\n  - { name: all, decide: auto }\n',
      'runbooks/outer.yaml': 'title: Outer\nrisk: none\nsteps:\n  - { id: call, runbook: { name: inner } }\n',
      'runbooks/inner.yaml': 'title: Inner\nrisk: none\nsteps:\n  - { id: say, exec: [echo, hi] }\n',
    });
    const { body } = await test.call('POST', '/api/v1/runs', { body: { runbook: 'outer', params: {} } });
    const outer = await test.ended(body.id);
    expect(outer.state).toBe('succeeded');
    const [whole] = await test.until(async () => {
      const found = find(collector.spans, 'run outer');
      return found.length > 0 ? found : null;
    });
    expect(whole).toMatchObject({
      ...{ trace: traceOfRun(outer.id).trace, id: traceOfRun(outer.id).root },
      parent: null,
    });
    expect(find(collector.spans, 'run inner')).toMatchObject([{ trace: whole?.trace, parent: whole?.id }]);
    expect(find(collector.spans, 'step say')[0]?.trace).toBe(whole?.trace);
    expect(collector.faults).toEqual([]);
  });

  it('an event that no runbook matches is a trace of one span', async () => {
    const collector = await collect();
    const test = await startTraced(collector, {});
    const { alert } = await test.alert({ alertname: 'Nobody' });
    const [span] = await test.until(async () => (collector.spans.length > 0 ? collector.spans : null));
    expect(span?.trace).toBe(traceOfEpisode(alert, 1).trace);
    expect(traceOfEvent('x').trace).not.toBe(traceOfRun('x').trace);
  });
});

describe('a post', () => {
  it('is told once in the trace of its episode, when the platform shows it, whatever edits follow', async () => {
    const discord = await startDiscord({ limits: { messages: 100, per: 1000, global: 500 } });
    endings.push(discord.close);
    const collector = await collect();
    const test = await startTraced(
      collector,
      {
        'tocsin.yaml': `${basicConfig}routes:\n  - to: ["discord:alerts"]\n`,
        'policy.yaml': ask,
        'runbooks/hello.yaml': oneStep,
      },
      { env: discord.env },
    );
    const { alert } = await test.alert({ alertname: 'Hello', host: 'web-1' });
    await approveNext(test);
    await test.ended((await test.runs())[0]?.id ?? '');
    await test.alert({ alertname: 'Hello', host: 'web-1' }, { status: 'resolved' });
    await test.until(async () => discord.channel('alerts').messages[0]?.body.embeds?.[0]?.title?.includes('resolved'));
    const posts = await test.until(async () => {
      const found = find(collector.spans, 'post discord');
      const kinds = new Set(found.map(span => span.attributes['tocsin.post.kind']));
      return ['alert', 'approval', 'run'].every(kind => kinds.has(kind)) ? found : null;
    });
    const { trace, root } = traceOfEpisode(alert, 1);
    expect(posts.filter(span => span.trace !== trace || span.parent !== root)).toEqual([]);
    expect(find(posts, 'post discord').filter(span => span.attributes['tocsin.post.kind'] === 'alert')).toHaveLength(1);
    expect(new Set(posts.map(span => span.id)).size).toBe(posts.length);
    expect(collector.faults).toEqual([]);
  }, 30_000);
});

describe('without a collector', () => {
  it('none of the libraries is loaded: nothing imports them but when it is asked to', () => {
    const root = join(import.meta.dirname, '../../../src');
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'));
    const loaded = files.filter(file =>
      /^import (?!type )[^;]*from '(@opentelemetry|bullmq-otel)/m.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(loaded).toEqual([]);
    expect(tracingSettings({})).toBeNull();
    expect(tracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'true' })).toBeNull();
  });

  it('what the variables of OpenTelemetry say is taken; what is no address is refused, with its password left out', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-scope=team',
      OTEL_SERVICE_NAME: 'ops',
    };
    expect(tracingSettings(env)).toMatchObject({
      url: 'http://c:4318/v1/traces',
      headers: { authorization: 'Bearer abc', 'x-scope': 'team' },
      serviceName: 'ops',
      timeoutMillis: 10_000,
    });
    expect(tracingSettings({ ...env, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t/in' })?.url).toBe('https://t/in');
    const wrong = () => tracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://me:pass@c:4317' });
    expect(wrong).toThrow(expect.objectContaining({ code: 'environment-invalid', given: 'grpc://c:4317' }));
    expect(() => tracingSettings({ ...env, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(/HTTP only/);
  });

  it('a collector is shown what it wants to be shown', async () => {
    const collector = await collect();
    const test = await startTraced(
      collector,
      {},
      { env: { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc' } },
    );
    await test.alert({ alertname: 'A' });
    await test.until(async () => collector.spans.length > 0);
    expect(collector.headers[0]?.authorization).toBe('Bearer abc');
  });
});

describe('whoever goes on', () => {
  it('continues the trace after a restart, and tells what was committed meanwhile, once', async () => {
    const collector = await collect();
    const folder = await newFolder();
    const files = { 'policy.yaml': ask, 'runbooks/hello.yaml': oneStep };
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const first = await startTestApp(files, { folder, keep: true, env });
    const { alert } = await first.alert({ alertname: 'Hello', host: 'web-1' });
    await first.until(async () => find(collector.spans, 'decision').length === 1);
    await first.stop();
    // Without a collector in its environment nothing is told, and nothing is forgotten.
    const second = await startTestApp(files, { folder, keep: true });
    await approveNext(second);
    await second.ended((await second.runs())[0]?.id ?? '');
    await second.stop();
    const before = collector.spans.length;
    const third = await startTestApp(files, { folder, keep: true, env });
    endings.push(() => third.stop());
    await third.until(async () => find(collector.spans, 'run hello').length > 0);
    expect(new Set(collector.spans.map(span => span.trace))).toEqual(new Set([traceOfEpisode(alert, 1).trace]));
    expect(names(collector.spans.slice(before))).toEqual(['approval', 'queued', 'step hello', 'run hello']);
    const [asked] = find(collector.spans, 'approval');
    expect(asked?.end).toBeGreaterThan(asked?.start ?? 0);
    expect(new Set(collector.spans.map(span => span.id)).size).toBe(collector.spans.length);
  });

  it('tells nothing of what happened before anybody asked for traces', async () => {
    const collector = await collect();
    const folder = await newFolder();
    const first = await startTestApp({}, { folder, keep: true });
    await first.alert({ alertname: 'Old' });
    await first.stop();
    const second = await startTraced(collector, {}, { folder, keep: true });
    const { alert } = await second.alert({ alertname: 'New' }, { fingerprint: 'f2' });
    await second.until(async () => collector.spans.length > 0);
    expect(collector.spans.map(span => span.trace)).toEqual([traceOfEpisode(alert, 1).trace]);
  });
});

describe('a collector that does not answer', () => {
  it.each(['down', 'hangs'] as const)(
    'that %s holds nothing up, stops with the app, and is told everything afterwards',
    async mode => {
      const collector = await collect();
      collector.mode = mode;
      const files = {
        'policy.yaml': 'rules:\n  - { name: all, decide: auto }\n',
        'runbooks/hello.yaml': oneStep,
      };
      const folder = await newFolder();
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
      const first = await startTestApp(files, { folder, keep: true, env });
      await first.alert({ alertname: 'Hello', host: 'web-1' });
      await first.until(async () => collector.requests > 0);
      const run = await first.until(async () => (await first.runs())[0]);
      expect((await first.ended(run.id)).state).toBe('succeeded');
      await first.stop();
      expect(collector.spans).toEqual([]);
      collector.mode = 'well';
      const second = await startTestApp(files, { folder, keep: true, env });
      endings.push(() => second.stop());
      await second.until(async () => find(collector.spans, 'run hello').length > 0);
      expect(names(collector.spans)).toEqual(['event accepted', 'decision', 'queued', 'step hello', 'run hello']);
    },
  );

  it('that refuses spans for good is told of the next ones, and the refused are counted', async () => {
    const collector = await collect();
    collector.mode = 'refuses';
    const test = await startTraced(collector, {});
    await test.alert({ alertname: 'A' });
    const metric = async () => await (await fetch(`${test.app.url}/metrics`)).text();
    await test.until(async () => (await metric()).includes('tocsin_trace_spans_total{outcome="dropped"} 1'));
    collector.mode = 'well';
    await test.alert({ alertname: 'B' }, { fingerprint: 'f2' });
    await test.until(async () => (await metric()).includes('tocsin_trace_spans_total{outcome="sent"} 1'));
    expect(collector.spans).toHaveLength(1);
  });
});
