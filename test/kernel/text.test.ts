import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cutHead, cutText, keepColours, mixedWords, stripAnsi, visible, visibleLine } from '../../src/kernel/text.ts';
import { webUrl } from '../../src/kernel/web-url.ts';

describe('visible', () => {
  it.each([
    ['plain text, ünïcödé, 日本語 and 🎉 stay', 'plain text, ünïcödé, 日本語 and 🎉 stay'],
    ['line\nand\ttab', 'line\nand\ttab'],
    ['checkout\u202egolb\u202c', 'checkout\\u202egolb\\u202c'],
    ['pay\u200bments', 'pay\\u200bments'],
    ['\u{e0061}\u{e0062}hidden', '\\u{e0061}\\u{e0062}hidden'],
    ['safe\rEVIL', 'safe\\rEVIL'],
    ['\u001b[2K', '\\u001b[2K'],
    ['prod\u00a0', 'prod\\u00a0'],
    ['a\u0000b', 'a\\u0000b'],
    ['lone \ud800 half', 'lone \\ud800 half'],
    ['soft\u00adhyphen \u3164filler \u2028', 'soft\\u00adhyphen \\u3164filler \\u2028'],
    ['👩\u200d🚒 ❤\ufe0f 1\ufe0f\u20e3 👨🏽\u200d🚀', '👩\u200d🚒 ❤\ufe0f 1\ufe0f\u20e3 👨🏽\u200d🚀'],
    ['a\u200db', 'a\\u200db'],
    ['a\ufe0fb', 'a\\ufe0fb'],
    ['🎉\u200d', '🎉\\u200d'],
    [`Z${'\u0335'.repeat(10)}!`, `Z${'\u0335'.repeat(8)}\\u0335\\u0335!`],
    ['ฐิ้ é נָּ', 'ฐิ้ é נָּ'],
  ])('%j', (given, shown) => expect(visible(given)).toBe(shown));

  it('leaves nothing in the hostile labels that a terminal or a chat client would obey', () => {
    const file = new URL('../fixtures/hostile/bidi-and-homoglyph.json', import.meta.url);
    const labels: Record<string, string> = JSON.parse(readFileSync(file, 'utf8')).alerts[0].labels;
    for (const value of Object.values(labels)) expect(visible(value)).not.toMatch(/[\p{Cc}\p{Cf}\u00a0]/u);
  });

  it('puts everything on one line when asked', () => {
    expect(visibleLine('a\nb\tc\r')).toBe('a\\nb\\tc\\r');
  });
});

describe('cutText', () => {
  it('says how much was cut, and stays within the limit', () => {
    const text = cutText('x'.repeat(5000), 100);
    expect(text).toBe(`${'x'.repeat(77)}… 4,923 more characters`);
    expect(text.length).toBeLessThanOrEqual(100);
  });
  it('leaves what fits', () => expect(cutText('abc', 3)).toBe('abc'));
  it('splits no character, at any limit', () => {
    const text = '🎉'.repeat(60);
    for (let max = 0; max < text.length; max++) {
      const cut = cutText(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut.isWellFormed()).toBe(true);
    }
  });
  it('counts what was cut in characters', () => {
    const cut = cutText('🎉'.repeat(60), 50);
    const shown = [...cut].filter(c => c === '🎉').length;
    expect(cut).toContain(` ${60 - shown} more`);
  });
});

describe('escape sequences', () => {
  const text =
    'a\x1b[31mred\x1b[0m\x1b[2K\x1b[1A\x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\link\x1bPdcs\x1b\\\x1bcz\x9b31mq\x1b[';
  it('all go', () => expect(stripAnsi(text)).toBe('aredlinkzq'));
  it('but colours stay when asked', () => expect(keepColours(text)).toBe('a\x1b[31mred\x1b[0mlinkzq'));
});

describe('mixedWords', () => {
  it('spells out the Cyrillic o in prod', () => expect(mixedWords('db-pr\u043ed-3 ok')).toEqual(['pr\\u{43e}d']));
  it('says nothing of honest text', () => expect(mixedWords('база данных Ünïcode 日本語テキスト λόγος')).toEqual([]));
  it('stays short, whatever the text is', () => {
    const words = mixedWords(`${'a\u043e'.repeat(500)} `.repeat(500));
    expect(words).toHaveLength(3);
    expect(words[0]).toBe('a\\u{43e}'.repeat(30));
  });
});

describe('cutHead', () => {
  it('keeps the last lines, and says how much is above', () => {
    const text = Array.from({ length: 500 }, (_, index) => `line ${index}`).join('\n');
    const cut = cutHead(text, 100);
    expect(cut).toMatch(/^… 4,\d{3} more characters above\nline \d+\n[\s\S]*line 499$/);
    expect(cut.length).toBeLessThanOrEqual(100);
    const [first = '', ...kept] = cut.split('\n');
    const above = Number(first.replace(/\D/g, ''));
    expect(text.slice(above)).toBe(kept.join('\n'));
  });
  it('leaves what fits', () => expect(cutHead('abc', 3)).toBe('abc'));
  it('stays within any limit, and splits no character', () => {
    const text = '🎉'.repeat(60);
    for (let max = 0; max < text.length; max++) {
      const cut = cutHead(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut.isWellFormed()).toBe(true);
      const shown = [...cut].filter(c => c === '🎉').length;
      if (cut.includes('above')) expect(cut).toContain(` ${60 - shown} more`);
    }
  });
});

describe('webUrl', () => {
  it.each(['http://a.example/x', 'https://a.example:8443/?q=1'])('takes %s', url => {
    expect(webUrl(url)?.href).toBe(url);
  });
  it.each(['javascript:alert(1)', 'https://you:secret@a.example/', 'https://you@a.example/', '//a.example', 'x', ''])(
    'takes %s for text',
    url => expect(webUrl(url)).toBeNull(),
  );
});
