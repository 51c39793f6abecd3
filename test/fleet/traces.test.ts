import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { traceOfEpisode } from '../../src/flow/trace/ids.ts';
import { type Collector, startCollector } from '../doubles/collector.ts';
import { files } from './files.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

describe.skipIf(missingServers() !== null)('traces of several nodes', { timeout: 90_000 }, () => {
  let fleet: Fleet;
  let collector: Collector;
  const nodes: FleetNode[] = [];
  beforeAll(async () => {
    collector = await startCollector();
    fleet = await startFleet(files);
    for (const _ of [1, 2])
      nodes.push(await fleet.node('all', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'bells' }));
  });
  afterAll(async () => {
    await fleet.close();
    await collector.close();
  });

  const spansOf = (trace: string) => collector.spans.filter(span => span.trace === trace);

  async function episode(fingerprint: string, node: FleetNode): Promise<string> {
    await node.alert({ word: 'hello' }, { fingerprint });
    return await until(async () => {
      const { body } = await node.call('GET', '/api/v1/alerts');
      const found = body.find((one: { fingerprint: string }) => one.fingerprint === fingerprint);
      return found === undefined ? null : traceOfEpisode(found.id, 1).trace;
    });
  }

  const metric = async (node: FleetNode, line: RegExp) =>
    Number(line.exec(await (await fetch(`${node.url}/metrics`)).text())?.[1] ?? 0);

  test('one of them tells each span, once, with the way of the wake-up over Redis; figures are counted once', async () => {
    const [first, second] = nodes as [FleetNode, FleetNode];
    const traces = await Promise.all([1, 2, 3, 4, 5, 6].map(n => episode(`f${n}`, n % 2 === 0 ? first : second)));
    for (const trace of traces) {
      const spans = await until(async () => {
        const found = spansOf(trace);
        const names = new Set(found.map(span => span.name));
        return names.has('run say') && names.has('bell answered') ? found : null;
      });
      const told = spans.filter(span => span.name !== 'bell answered');
      expect(told.map(span => span.name).sort()).toEqual(
        ['decision', 'event accepted', 'queued', 'run say', 'step say'].sort(),
      );
      const root = spans.find(span => span.name === 'event accepted');
      expect(spans.filter(span => span.name === 'bell answered').every(span => span.parent === root?.id)).toBe(true);
    }
    const tellers = collector.spans.filter(span => span.name !== 'bell answered');
    expect(new Set(tellers.map(span => span.resource['service.instance.id'])).size).toBe(1);
    expect(new Set(collector.spans.map(span => span.trace)).size).toBe(6);
    expect(collector.faults).toEqual([]);
    const ended = /^tocsin_runbook_runs_total\{runbook="say",state="succeeded"\} (\d+)$/m;
    const counted = await until(async () => {
      const all = await Promise.all(nodes.map(node => metric(node, ended)));
      return all.reduce((sum, one) => sum + one, 0) >= 6 ? all : null;
    });
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(6);
  });

  test('when the one that tells is killed, another goes on where it was', async () => {
    const teller = collector.spans.find(span => span.name === 'decision')?.resource['service.instance.id'];
    const ready = await Promise.all(
      nodes.map(
        async node => (await fetch(`${node.url}/readyz`)).json() as Promise<{ fleet: { nodes: { id: string }[] } }>,
      ),
    );
    const dead = ready.findIndex(one => one.fleet.nodes[0]?.id === teller);
    expect(dead).toBeGreaterThanOrEqual(0);
    await nodes[dead]?.kill();
    const [left] = nodes.filter((_, n) => n !== dead) as [FleetNode];
    const trace = await episode('after', left);
    const spans = await until(async () => {
      const found = spansOf(trace);
      return found.some(span => span.name === 'run say') ? found : null;
    });
    expect(
      spans
        .map(span => span.name)
        .filter(name => name !== 'bell answered')
        .sort(),
    ).toEqual(['decision', 'event accepted', 'queued', 'run say', 'step say'].sort());
    expect(spans[0]?.resource).toMatchObject({ 'service.name': 'bells' });
    expect(spans[0]?.resource['service.instance.id']).not.toBe(teller);
  });
});
