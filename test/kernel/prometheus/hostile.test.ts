import { afterEach, describe, expect, test } from 'vitest';
import { createDrawer } from '../../../src/kernel/chart/draw.ts';
import { createLazyEgress } from '../../../src/kernel/egress/lazy.ts';
import type { PrometheusApi } from '../../../src/kernel/prometheus/api.ts';
import { type AlertFacts, chartOfAlert } from '../../../src/kernel/prometheus/pictures.ts';
import {
  type AskedOfPrometheus,
  matrixSaid,
  type PrometheusDouble,
  rulesSaid,
  type Said,
  startPrometheusDouble,
  vectorSaid,
} from '../../doubles/prometheus.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function start(
  answer: (asked: AskedOfPrometheus) => Said | Promise<Said>,
  patience = 60_000,
): Promise<{ api: PrometheusApi; double: PrometheusDouble }> {
  const double = await startPrometheusDouble(answer);
  const hosts = [new URL(double.url).host];
  const egress = createLazyEgress(() => ({ allow: hosts, private: hosts, maxBody: 16 * 1024 * 1024 }));
  open.push(double, egress);
  return {
    double,
    api: { base: double.url, headers: { 'x-key': 'k' }, fetch: egress.fetch, signal: AbortSignal.timeout(patience) },
  };
}

const now = Date.UTC(2026, 10, 28, 3, 22);
const facts = (changes: Partial<AlertFacts> = {}): AlertFacts => ({
  labels: { alertname: 'Hot', host: 'web-1' },
  startsAt: now - 600_000,
  endedAt: null,
  hint: null,
  now,
  before: 1_800_000,
  ...changes,
});

describe('a query with ten thousand series', () => {
  test('those of the alert are drawn', async () => {
    const { api, double } = await start(asked => {
      if (asked.what === 'rules') return rulesSaid({ query: 'temp > 5' });
      if (!asked.form.get('query')?.includes('web-1')) return { status: 422, error: 'too many samples' };
      return matrixSaid(asked, { labels: { __name__: 'temp', host: 'web-1' }, values: ['1', '7'] });
    });
    const chart = await chartOfAlert(facts(), api);
    expect(chart).toMatchObject({ title: 'temp', query: 'temp', threshold: { is: '>', value: 5 }, more: 0 });
    expect(chart.lines).toHaveLength(1);
    // The whole query is never asked for.
    expect(double.asked.map(({ what }) => what)).toEqual(['rules', 'query_range']);
    expect(double.asked.every(({ headers }) => headers['x-key'] === 'k')).toBe(true);
  });

  test('where none has the labels of the alert, the highest are drawn and the rest is counted', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `pod-${index}`);
    const { api, double } = await start(asked => {
      const query = asked.form.get('query') ?? '';
      if (asked.what === 'rules') return rulesSaid({ query: 'temp > 5' });
      if (query.startsWith('count(')) return vectorSaid(asked, { labels: {}, value: '10000' });
      if (asked.what === 'query')
        return vectorSaid(asked, ...names.map(pod => ({ labels: { __name__: 'temp', pod }, value: '9' })));
      if (query.includes('web-1')) return matrixSaid(asked);
      return matrixSaid(asked, ...names.map(pod => ({ labels: { __name__: 'temp', pod }, values: ['9'] })));
    });
    const chart = await chartOfAlert(facts(), api);
    expect(chart.lines.map(({ name }) => name)).toEqual(names);
    expect(chart.more).toBe(9992);
    const last = double.asked.at(-1)?.form.get('query') ?? '';
    expect(names.every(name => last.includes(`"${name}"`))).toBe(true);
  });

  test('a Prometheus that sends all of them is cut off', async () => {
    const labels = (index: number) => ({ host: `host-${index}`, padding: 'x'.repeat(1000) });
    const { api } = await start(asked => {
      if (asked.what === 'rules') return rulesSaid({ query: 'temp > 5' });
      if (asked.what === 'query') return vectorSaid(asked, { labels: {}, value: '2' });
      return matrixSaid(
        asked,
        ...Array.from({ length: 10_000 }, (_, index) => ({ labels: labels(index), values: ['1'] })),
      );
    });
    await expect(chartOfAlert(facts(), api)).rejects.toMatchObject({
      code: 'origin-refused',
      message: expect.stringContaining('more than 8 MiB'),
    });
  });
});

describe('values and labels', () => {
  test('NaN, infinity and gaps are no points', async () => {
    const { api } = await start(asked =>
      asked.what === 'rules'
        ? rulesSaid({ query: 'temp > 5' })
        : matrixSaid(asked, {
            labels: { host: 'web-1' },
            values: ['1', 'NaN', '+Inf', '-Inf', null, '1e400', 'six', '2'],
          }),
    );
    const [line] = (await chartOfAlert(facts(), api)).lines;
    expect(line?.values.slice(0, 8)).toEqual([1, null, null, null, null, null, null, 2]);
  });

  test('labels of an alert cannot add to the query, and markup in labels is text in the SVG', async () => {
    const host = '"}) or vector(1) # $1 \\';
    const name = '</text><script>alert(1)</script><image href="http://x/"/>';
    const { api, double } = await start(asked =>
      asked.what === 'rules'
        ? rulesSaid({ query: 'temp > 5 # a comment' })
        : matrixSaid(asked, { labels: { instance: name, host }, values: ['1', '7'] }),
    );
    const chart = await chartOfAlert(facts({ labels: { alertname: 'Hot', host } }), api);
    expect(double.asked.at(-1)?.form.get('query')).toContain(
      String.raw`label_replace(vector(1), "host", "\"}) or vector(1) # $$1 \\", "", "")`,
    );
    const drawer = createDrawer();
    open.push(drawer);
    const svg = await drawer.svg({ ...chart, title: name }, { zone: 'UTC', theme: 'light' });
    expect(svg).not.toMatch(/<script|<image|href=/i);
    expect(svg).toContain('&lt;script&gt;');
  }, 120_000);
});

describe('the rule', () => {
  const two = [
    { query: 'cold < 5', labels: { team: 'a' } },
    { query: 'hot > 5', labels: { team: 'b' } },
  ];
  const answer =
    (...rules: Parameters<typeof rulesSaid>) =>
    (asked: AskedOfPrometheus) =>
      asked.what === 'rules' ? rulesSaid(...rules) : matrixSaid(asked, { labels: { host: 'web-1' }, values: ['1'] });

  test('of two of one name, the labels tell', async () => {
    const { api } = await start(answer(...two));
    const labels = { alertname: 'Hot', host: 'web-1', team: 'b' };
    expect(await chartOfAlert(facts({ labels }), api)).toMatchObject({
      query: 'hot',
      threshold: { is: '>', value: 5 },
    });
  });

  test('of two with the same labels, what fires by them tells, then the expression of a proven sender', async () => {
    const same = two.map(({ query }) => ({ query }));
    const fires = [{ alertname: 'Hot', host: 'web-1' }];
    const firing = await start(answer({ query: 'cold < 5' }, { query: 'hot > 5', alerts: fires }));
    expect(await chartOfAlert(facts(), firing.api)).toMatchObject({ query: 'hot' });
    const { api } = await start(answer(...same));
    await expect(chartOfAlert(facts(), api)).rejects.toMatchObject({
      message: expect.stringContaining('2 rules of the name Hot'),
    });
    expect(await chartOfAlert(facts({ hint: 'cold < 5' }), api)).toMatchObject({ query: 'cold' });
  });

  test('without one there is no picture, unless a proven sender named the expression', async () => {
    const { api, double } = await start(answer());
    await expect(chartOfAlert(facts(), api)).rejects.toMatchObject({ code: 'origin-refused' });
    expect(double.asked.map(({ what }) => what)).toEqual(['rules']);
    expect(await chartOfAlert(facts({ hint: 'hot > 5' }), api)).toMatchObject({ query: 'hot' });
  });
});

describe('a Prometheus that', () => {
  test('does not answer in time is down', async () => {
    const { api } = await start(() => () => {}, 50);
    await expect(chartOfAlert(facts(), api)).rejects.toMatchObject({
      code: 'origin-down',
      message: expect.stringContaining('it took too long'),
    });
  });

  test('is not there is down', async () => {
    const { api, double } = await start(() => ({ data: {} }));
    double.close();
    await expect(chartOfAlert(facts(), api)).rejects.toMatchObject({ code: 'origin-down' });
  });

  test('sends elsewhere is not followed', async () => {
    const other = await start(() => rulesSaid({ query: 'hot > 5' }));
    const { api } = await start(() => response => {
      response.writeHead(307, { location: `${other.double.url}/api/v1/rules` }).end();
    });
    await expect(chartOfAlert(facts(), api)).rejects.toMatchObject({ code: expect.stringMatching(/^origin-/) });
    expect(other.double.asked).toEqual([]);
  });

  test.each([
    ['a page', 200, '<html>Sign in</html>'],
    ['nothing', 200, ''],
    ['a list', 200, '[]'],
    ['an answer of another kind', 200, '{"status":"success","data":{"groups":3}}'],
    ['a fault', 401, 'no'],
  ])('answers with %s refuses', async (_, status, text) => {
    const { api } = await start(() => response => void response.writeHead(status).end(text));
    await expect(chartOfAlert(facts(), api)).rejects.toMatchObject({ code: 'origin-refused' });
  });

  test('has many days behind it is asked for few points', async () => {
    const { api, double } = await start(asked =>
      asked.what === 'rules'
        ? rulesSaid({ query: 'hot > 5' })
        : matrixSaid(asked, { labels: { host: 'web-1' }, values: ['1'] }),
    );
    await chartOfAlert(facts({ startsAt: now - 90 * 86_400_000, before: 90 * 86_400_000 }), api);
    const { form } = double.asked.at(-1) ?? { form: new URLSearchParams() };
    const [from, to, step] = ['start', 'end', 'step'].map(name => Number(form.get(name))) as [number, number, number];
    expect((to - from) / step).toBeLessThanOrEqual(301);
    expect(to - from).toBeLessThanOrEqual(25 * 3600);
  });
});
