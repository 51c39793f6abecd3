import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesOf, type ListRow, markOf, stateOf } from '../../../src/chat/console/lists/live-rows.ts';
import { html } from '../../../src/kernel/html.ts';

const row = (id: string, text = id): ListRow => ({ id, html: html`<li id="${id}">${text}</li>` });
const rows = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map(one => row(one.slice(0, 1), one));

/** Does what htmx does with the fragments: all targets are looked up before anything changes. */
function apply(shown: readonly string[], pieces: readonly unknown[]): string[] {
  const now = [...shown];
  const idOf = (item: string) => item.slice(0, 1);
  for (const piece of pieces.map(String)) {
    const [, target = '', how = '', body = ''] =
      /hx-target="#([^"]*)" hx-swap="([^"]*)">(.*)<\/hx-partial>/s.exec(piece) ?? [];
    const items = [...body.matchAll(/<li id="[^"]*">([^<]*)<\/li>/g)].map(([, text = '']) => text);
    const at = now.findIndex(item => idOf(item) === target);
    if (target !== 'list') expect(shown.map(idOf)).toContain(target);
    if (how === 'innerMorph') now.splice(0, now.length, ...items);
    else if (how === 'afterbegin') now.unshift(...items);
    else if (how === 'delete') now.splice(at, 1);
    else if (how === 'outerMorph') now.splice(at, 1, ...items);
    else if (how === 'afterend') now.splice(at + 1, 0, ...items);
  }
  return now;
}

test.each([
  ['a new first row', 'b c d', 'a b c d', ['afterbegin']],
  ['a changed row', 'a b c', 'a b2 c', ['outerMorph']],
  ['a row that is gone', 'a b c', 'a c', ['delete']],
  ['two new rows in one place', 'a d', 'a b c d', ['afterend']],
  ['the last row that comes first', 'a b c d e f', 'f a b c d e', ['delete', 'afterbegin']],
  ['nothing', 'a b', 'a b', []],
])('%s is all that is sent', (_, before, after, swaps) => {
  const pieces = changesOf('list', stateOf(rows(before)), rows(after));
  expect(pieces.map(piece => /hx-swap="(\w+)"/.exec(String(piece))?.[1])).toEqual(swaps);
  expect(apply(before.split(' '), pieces)).toEqual(after.split(' '));
});

test('what is unknown is sent whole, and a time that goes on is no change', () => {
  expect(apply([], changesOf('list', null, rows('a b')))).toEqual(['a', 'b']);
  const at = (now: number) => [
    { id: 'a', html: html`<li id="a"><time data-ago="1" data-now="${now}">${now}s ago</time></li>` },
  ];
  expect(changesOf('list', stateOf(at(1)), at(2))).toEqual([]);
  expect(markOf(stateOf(at(1)))).toBe(markOf(stateOf(at(2))));
  expect(markOf(stateOf(rows('a b')))).not.toBe(markOf(stateOf(rows('b a'))));
});

test('any list becomes any other', () => {
  const list = fc.uniqueArray(fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'), { maxLength: 26 });
  const changed = fc.uniqueArray(fc.constantFrom(...'abcdefghijklm'));
  fc.assert(
    fc.property(list, list, changed, (before, after, other) => {
      const text = after.map(id => (other.includes(id) ? `${id}2` : id)).join(' ');
      const pieces = changesOf('list', stateOf(rows(before.join(' '))), rows(text));
      expect(apply(before, pieces)).toEqual(text.split(' ').filter(Boolean));
    }),
    { numRuns: 500 },
  );
});
