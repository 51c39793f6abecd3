import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMetrics } from '../../src/http/metrics.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool && process.env['CI'] === 'true')
  throw new Error('promtool is not installed; run scripts/setup-test.sh');

const rules = z
  .object({
    groups: z.array(
      z.object({
        name: z.string(),
        rules: z.array(
          z.union([
            z.strictObject({ record: z.string().regex(/^tocsin:[a-z0-9_]+:[a-z0-9]+$/), expr: z.string() }),
            z.strictObject({
              alert: z.string().regex(/^Tocsin[A-Z]\w+$/),
              expr: z.string(),
              for: z.string().optional(),
              labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
              annotations: z.strictObject({ summary: z.string().min(10), runbook_url: z.string() }),
            }),
          ]),
        ),
      }),
    ),
  })
  .parse(parse(read('deploy/prometheus/tocsin-rules.yaml')))
  .groups.flatMap(group => group.rules);
const alerts = rules.flatMap(rule => ('alert' in rule ? [rule] : []));
const recorded = rules.flatMap(rule => ('record' in rule ? [rule.record] : []));

const panel = z.object({
  id: z.int(),
  type: z.string(),
  title: z.string().min(3),
  gridPos: z.object({ h: z.int(), w: z.int(), x: z.int(), y: z.int() }),
  targets: z.array(z.object({ expr: z.string(), refId: z.string() })).default([]),
});
const dashboard = z
  .object({
    title: z.literal('Tocsin'),
    panels: z.array(panel),
    templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().optional() })) }),
  })
  .parse(JSON.parse(read('deploy/grafana/tocsin-dashboard.json')));
const panelExprs = dashboard.panels.flatMap(one => one.targets.map(target => target.expr));
const variables = dashboard.templating.list.flatMap(one => one.definition ?? []);

/** Every series that /metrics can have, with the labels that are ours. */
async function series(): Promise<Map<string, Set<string>>> {
  const { registry } = createMetrics();
  const found = new Map<string, Set<string>>();
  for (const metric of await registry.getMetricsAsJSON()) {
    const { labelNames = [] } = registry.getSingleMetric(metric.name) as unknown as { labelNames?: string[] };
    const own = new Set([...labelNames, 'job', 'instance']);
    found.set(metric.name, own);
    if (String(metric.type) !== 'histogram') continue;
    for (const suffix of ['_sum', '_count']) found.set(metric.name + suffix, own);
    found.set(`${metric.name}_bucket`, new Set([...own, 'le']));
  }
  return found;
}

const named = (expr: string) => expr.match(/\b(?:tocsin|process|nodejs)_[a-z0-9_]+/g) ?? [];
/** The labels that an expression selects or groups by, with the metric that it stands nearest behind. */
function selected(expr: string): { metric: string; label: string }[] {
  return [...expr.matchAll(/\b((?:tocsin|process|nodejs)_[a-z0-9_]+)\{([^}]*)\}/g)].flatMap(
    ([, metric = '', inner = '']) =>
      [...inner.matchAll(/(\w+)\s*(?:=|!)/g)].map(match => ({ metric, label: match[1] ?? '' })),
  );
}

describe('what deploy/ says of metrics', () => {
  test('every metric of the dashboard and of the rules exists, with the labels that are selected', async () => {
    const known = await series();
    const exprs = [...panelExprs, ...variables, ...rules.map(rule => rule.expr)];
    const names = exprs.flatMap(named);
    expect(new Set(names.filter(name => !known.has(name)))).toEqual(new Set());
    expect(new Set(names).size).toBeGreaterThan(30);
    const wrong = exprs.flatMap(selected).filter(({ metric, label }) => !known.get(metric)?.has(label));
    expect(wrong).toEqual([]);
    const groups = exprs.flatMap(expr =>
      [...expr.matchAll(/by \(([^)]*)\)/g)].map(match => ({ expr, by: match[1] ?? '' })),
    );
    const strange = groups.filter(({ expr, by }) => {
      const labels = new Set(named(expr).flatMap(name => [...(known.get(name) ?? [])]));
      return by.split(',').some(label => !labels.has(label.trim()));
    });
    expect(strange).toEqual([]);
  });

  test('every metric of ours is on the dashboard', async () => {
    const shown = new Set(panelExprs.flatMap(named).map(name => name.replace(/_bucket$/, '')));
    const { registry } = createMetrics({ process: false });
    const all = (await registry.getMetricsAsJSON()).map(metric => metric.name);
    expect(all.filter(name => !shown.has(name))).toEqual([]);
  });

  test('no two panels are in one place, and each has a number of its own', () => {
    const ids = dashboard.panels.map(one => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos }) => gridPos.x + gridPos.w <= 24)).toBe(true);
  });

  test('every alert says where it is explained, and it is explained there', () => {
    const page = read('docs/operations.md');
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
      expect(page, alert).toMatch(new RegExp(`^#+ ${alert}$`, 'm'));
    }
    const explained = [...page.matchAll(/^#+ (Tocsin\w+)$/gm)].map(match => match[1]);
    expect(explained.sort()).toEqual(alerts.map(one => one.alert).sort());
  });

  test('every metric has its line in docs/operations.md, and no other', async () => {
    const { registry } = createMetrics({ process: false });
    const all = await registry.getMetricsAsJSON();
    const rows = [...read('docs/operations.md').matchAll(/^\| `(tocsin_\w+)` \| (\w+) \| ([^|]*) \| (.+) \|$/gm)];
    const table = rows.map(([, name, type, labels, help]) => ({ name, type, labels: labels?.trim(), help }));
    const expected = all.map(metric => ({
      name: metric.name,
      type: String(metric.type),
      labels: (registry.getSingleMetric(metric.name) as unknown as { labelNames: string[] }).labelNames.join(', '),
      help: metric.help,
    }));
    expect(table).toEqual(expected);
  });
});

describe.skipIf(!hasPromtool)('promtool', () => {
  const promtool = (...args: string[]) => spawnSync('promtool', args, { cwd: root, encoding: 'utf8' });

  test('finds nothing wrong with the rules', () => {
    const { status, stdout, stderr } = promtool('check', 'rules', 'deploy/prometheus/tocsin-rules.yaml');
    expect(stdout + stderr).toContain(`${rules.length} rules found`);
    expect(status).toBe(0);
  });

  test('every alert fires for what it is for, and not otherwise', () => {
    const { status, stdout, stderr } = promtool('test', 'rules', 'test/deploy/tocsin-rules.test.yaml');
    expect(stdout + stderr).toContain('SUCCESS');
    expect(status).toBe(0);
    const tried = read('test/deploy/tocsin-rules.test.yaml');
    for (const { alert } of alerts) expect(tried, alert).toContain(`alertname: ${alert}\n        exp_alerts:`);
    expect(recorded.length).toBeGreaterThan(4);
  });

  test('takes every query of the dashboard', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-queries-'));
    const plain = (expr: string) => expr.replace(/\$__(?:rate_)?(?:interval|range)/g, '5m').replace(/\$\w+/g, '.*');
    const file = join(folder, 'queries.yaml');
    const list = panelExprs.map((expr, n) => ({ record: `query:${n}`, expr: plain(expr) }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules: list }] }));
    const { stdout, stderr } = promtool('check', 'rules', file);
    rmSync(folder, { recursive: true });
    expect(stdout + stderr).toContain(`${list.length} rules found`);
  });
});
