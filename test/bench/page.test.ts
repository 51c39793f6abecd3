import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { benches } from '../../bench/benches.ts';
import { renderPage, replacePart } from '../../bench/page.ts';

const names = Object.entries(benches).flatMap(([name, { named }]) => (named === true ? [] : [name]));
const headings = (page: string) => [...page.matchAll(/^## (.+)$/gm)].map(([, name]) => name);

it('the page of figures has every bench that runs by itself, and says what is missed and what was not measured', () => {
  const line = { what: 'one figure', value: 3, shown: '3 ms', target: '< 2 ms', reached: false };
  const page = renderPage([{ bench: names[0] ?? '', lines: [line], peers: { webhook: '2.8.0' } }]);
  expect(headings(page)).toEqual(names);
  expect(page).toContain('| one figure | 3 ms | < 2 ms | **missed** |');
  expect(page).toContain('- Compared with webhook 2.8.0.');
  expect(page.match(/^Nothing was measured\.$/gm)).toHaveLength(names.length - 1);
});

it('the committed page was written by the benches that there are', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/performance.md'), 'utf8');
  expect(headings(page)).toEqual(names);
  expect(page).not.toMatch(/undefined|NaN/);
});

it('one part is measured anew and dated, and every other part stays as it is', () => {
  const [first = '', second = '', last = ''] = [names[0], names[1], names.at(-1)];
  const line = (value: number) => ({ what: 'a figure', value, shown: `${value} ms`, target: '< 9 ms', reached: true });
  const page = renderPage(names.map((bench, index) => ({ bench, lines: [line(index)], peers: {} })));
  const now = new Date('2026-11-29T12:00:00Z');
  for (const name of [first, second, last]) {
    const changed = replacePart(page, name, [{ bench: name, lines: [line(77)], peers: {} }], now);
    expect(headings(changed)).toEqual(names);
    const parts = (text: string) => text.split(/^(?=## )/m);
    const others = parts(changed).filter((part, index) => part !== parts(page)[index]);
    expect(others.map(part => part.trim())).toEqual([
      `${parts(page)
        [names.indexOf(name) + 1]?.trim()
        .replace(/\d+ ms \| < 9/, '77 ms | < 9')}\n\nMeasured again on 2026-11-29.`,
    ]);
    // Measured once more, it is dated once.
    expect(replacePart(changed, name, [{ bench: name, lines: [line(77)], peers: {} }], now)).toBe(changed);
  }
  expect(() => replacePart(page, 'nothing', [], now)).toThrow('has no part nothing');
});
