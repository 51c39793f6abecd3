import { afterAll, describe, expect, test } from 'vitest';
import type { Chart } from '../../../src/kernel/chart/chart.ts';
import { describeChart } from '../../../src/kernel/chart/describe.ts';
import { createDrawer } from '../../../src/kernel/chart/draw.ts';

const drawer = createDrawer();
afterAll(() => drawer.close());

const to = Date.UTC(2026, 10, 28, 3, 22);
const from = to - 30 * 60_000;

function chartOf(changes: Partial<Chart> = {}): Chart {
  const values = Array.from({ length: 121 }, (_, index) =>
    index < 60 ? 0.2 : Math.min(0.97, 0.2 + (index - 60) * 0.03),
  );
  return {
    form: 'tocsin-chart-1',
    title: 'cpu',
    query: 'cpu',
    from,
    to,
    step: 15_000,
    lines: [{ name: 'web-1', values }],
    more: 0,
    threshold: { is: '>', value: 0.9 },
    firedAt: Date.UTC(2026, 10, 28, 3, 12),
    endedAt: null,
    ...changes,
  };
}

describe('the text of a picture', () => {
  test('says what there is to see', () => {
    expect(describeChart(chartOf(), 'UTC')).toBe('cpu of web-1: 0.2 to 0.97 within 30m; above 0.9 since 03:12');
    expect(describeChart(chartOf(), 'Europe/Berlin')).toContain('since 04:12');
  });

  test('without points, and with many lines', () => {
    expect(describeChart(chartOf({ lines: [] }), 'UTC')).toBe('cpu: no points within 30m');
    const lines = ['a', 'b', 'c', 'd'].map(name => ({ name, values: [1, 2] }));
    expect(describeChart(chartOf({ lines, more: 9992 }), 'UTC')).toContain('and 9993 more series within 30m');
  });
});

describe('a drawn picture', () => {
  test('the text has ink: a title changes the picture where the title is', async () => {
    const manner = { zone: 'UTC', theme: 'light' } as const;
    const [named, bare] = [await drawer.png(chartOf(), manner), await drawer.png(chartOf({ title: ' ' }), manner)];
    expect(named.subarray(1, 4).toString()).toBe('PNG');
    expect(named.readUInt32BE(16)).toBe(1008);
    // Glyphs compress badly: ink is bytes.
    expect(named.length - bare.length).toBeGreaterThan(500);
  }, 120_000);

  test('markup in names is data', async () => {
    const lines = ['<script>alert(1)</script>', '"><image href="http://x/"/>', ']]>&lt;{a|b}'].map(name => ({
      name,
      values: [1, null, 2],
    }));
    const svg = await drawer.svg(chartOf({ lines, title: '</text><script>' }), { zone: 'UTC', theme: 'dark' });
    expect(svg).not.toMatch(/<script|<image|<foreignObject/i);
    expect(svg).toContain('&lt;script&gt;');
  }, 120_000);

  test('gaps, single points, no points and extreme numbers are drawn', async () => {
    for (const values of [[null, 1, null], [], [Number.MAX_VALUE, -Number.MAX_VALUE], [0, 0, 0]]) {
      const svg = await drawer.svg(chartOf({ lines: [{ name: 'x', values }] }), { zone: 'UTC', theme: 'light' });
      expect(svg).not.toMatch(/NaN|undefined/);
    }
  }, 120_000);
});
