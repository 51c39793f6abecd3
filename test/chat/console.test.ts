import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plain, renderAnsi } from '../../src/chat/console/ansi.ts';
import { renderCard, renderProgress } from '../../src/chat/console/cards.ts';
import { safePath } from '../../src/chat/console/forms.ts';
import { readFrameData } from '../../src/chat/console/frame-data.ts';
import { renderBanners } from '../../src/chat/console/layout.ts';
import { standardLook } from '../../src/chat/console/look.ts';
import { domId, type Viewer } from '../../src/chat/console/viewer.ts';
import { html } from '../../src/kernel/html.ts';
import type { Card } from '../../src/model/card.ts';
import { createHostDouble } from '../doubles/chat-host.ts';

const src = join(import.meta.dirname, '../../src');

/** Every file that makes HTML, wherever it stands. */
function sources(at = src): string[] {
  return readdirSync(at, { withFileTypes: true }).flatMap(entry => {
    const path = join(at, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && readFileSync(path, 'utf8').includes('html`') ? [path] : [];
  });
}

describe('the html tag', () => {
  it('escapes every value, in text and in attributes', () => {
    const evil = `"><script>alert('1')</script>&amp;`;
    expect(String(html`<a title="${evil}">${evil}</a>`)).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;">&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;</a>',
    );
  });

  it('takes other html as it is, lists piece by piece, and leaves out what is not there', () => {
    expect(String(html`<p>${[html`<b>${'<'}</b>`, null, false, undefined, 0, '']}</p>`)).toBe('<p><b>&lt;</b>0</p>');
  });

  it('makes odd characters visible in text and keeps them in attributes, which forms send back', () => {
    const odd = 'a\u202eb\u200b';
    expect(String(html`<i>${odd}</i>`)).toBe('<i>a\\u202eb\\u200b</i>');
    expect(String(html`<input value="${odd}">`)).toBe(`<input value="${odd}">`);
    expect(String(html`<input value="${'a'}">${odd}`)).toBe('<input value="a">a\\u202eb\\u200b');
  });

  it('keeps a string that looks like html from passing as html', () => {
    const fake = { toString: () => '<script>' } as unknown as string;
    expect(String(html`${fake}`)).toBe('&lt;script&gt;');
  });

  it('is found by the tests below', () => {
    const names = sources().map(path => relative(src, path));
    expect(names).toEqual(expect.arrayContaining(['chat/console/layout.ts', 'kernel/plain-page.ts']));
  });

  it('stands in quotes wherever a value is an attribute', () => {
    const unquoted = sources().filter(file => /\s[a-z:-]+=\$\{/.test(readFileSync(file, 'utf8')));
    expect(unquoted).toEqual([]);
  });

  it('has no inline script, style or handler in any template', () => {
    for (const file of sources()) {
      const text = readFileSync(file, 'utf8');
      expect(text, file).not.toMatch(/<script(?![^>]*src=)/);
      expect(text, file).not.toMatch(/<style|\sstyle="|\son[a-z]+="/);
      expect(text, file).not.toMatch(/hx-on|js:|hx-vals|hx-trigger="[^"]*\[/);
    }
  });
});

describe('output of steps', () => {
  const show = (text: string) => String(renderAnsi(text, plain).html);

  it('turns colours into classes and drops every other sequence', () => {
    expect(show('\x1b[1;31mbad\x1b[0m ok')).toBe('<span class="t-f1 t-bold">bad</span> ok');
    expect(show('a\x1b[2K\x1b[1A\x1b]0;title\x07b\x1b]8;;http://evil.example\x1b\\c\x1b]8;;\x1b\\d\x1bcE')).toBe(
      'abcdE',
    );
  });

  it('maps wide palettes to the sixteen colours that are readable in both schemes', () => {
    expect(show('\x1b[38;5;9mx')).toBe('<span class="t-f9">x</span>');
    expect(show('\x1b[38;2;255;0;0mx')).toBe('<span class="t-f9">x</span>');
    expect(show('\x1b[48;5;244mx')).toBe('x');
  });

  it('carries colours and unfinished sequences over to the next chunk', () => {
    const text = 'plain \x1b[32mgreen \x1b[1mbold\x1b[0m end\r\nnext\rover';
    const whole = classPerCharacter(renderAnsi(text, plain).html);
    for (let cut = 0; cut <= text.length; cut++) {
      const first = renderAnsi(text.slice(0, cut), plain);
      const second = renderAnsi(text.slice(cut), first.after);
      expect(classPerCharacter(`${first.html}${second.html}`), `cut at ${cut}`).toEqual(whole);
    }
  });

  it('never holds back more than a short beginning of a sequence', () => {
    expect(renderAnsi(`\x1b]0;${'x'.repeat(10_000)}`, plain).after.pending.length).toBeLessThanOrEqual(64);
  });

  it('escapes what was printed', () => {
    expect(show('<img src=x onerror=alert(1)>\u202e')).toBe('&lt;img src=x onerror=alert(1)&gt;\\u202e');
  });
});

describe('a card of hostile data', () => {
  const hostile = readFileSync(join(import.meta.dirname, '../fixtures/hostile/bidi-and-homoglyph.json'), 'utf8');

  async function visitOf(): Promise<{ viewer: Viewer; close(): Promise<void> }> {
    const double = await createHostDouble();
    const viewer: Viewer = {
      host: double.host,
      who: null,
      csrf: '',
      local: true,
      now: 0,
      zone: 'UTC',
      look: standardLook,
    };
    return { viewer, close: double.close };
  }

  async function render(card: Card): Promise<string> {
    const { viewer, close } = await visitOf();
    try {
      return String(renderCard(card, { id: 'c', at: 0, href: '/threads/x' }, viewer));
    } finally {
      await close();
    }
  }

  it('shows every key and makes every hidden character visible', async () => {
    const { labels } = JSON.parse(hostile).alerts[0] as { labels: Record<string, string> };
    const fields = Object.entries(labels).map(([label, value]) => ({ label, value, code: true }));
    const text = await render(cardOf({ blocks: [{ kind: 'fields', fields }] }));
    for (const key of Object.keys(labels)) expect(text).toContain(`<dt>${key}</dt>`);
    expect(text).toContain('checkout\\u202egolb\\u202c');
    expect(text).toContain('pay\\u200bments');
    expect(text).toContain('safe\\rEVIL');
    expect(text).toContain('\\u{e0061}\\u{e0062}hidden'.slice(0, 9));
    expect(text).toContain('mixes scripts: pr\\u{43e}d');
    expect(text).toMatch(/more characters/);
    expect(text).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}]/u,
    );
  });

  it('has no active markup, mention or address that a browser would follow', async () => {
    const evil = '<img src=x onerror=alert(1)><script>1</script> <!channel> @everyone [x](http://evil.example) ${7*7}';
    const text = await render(
      cardOf({
        title: evil,
        badge: evil,
        mention: [evil],
        blocks: [
          { kind: 'text', text: evil },
          { kind: 'code', text: evil },
          { kind: 'fields', fields: [{ label: evil, value: evil }] },
          {
            kind: 'links',
            links: [
              { label: evil, url: 'javascript:alert(1)' },
              { label: 'data', url: 'data:text/html,<script>1</script>' },
              { label: 'user', url: 'https://bank.example@evil.example/' },
              { label: 'good', url: 'https://ok.example/x?"><b>' },
            ],
          },
          {
            kind: 'progress',
            done: 1,
            total: 2,
            startedAt: 0,
            finishedAt: null,
            steps: [{ id: evil, title: evil, state: evil, because: evil }],
          },
          { kind: 'output', run: evil, step: evil, tail: evil, live: true },
        ],
        buttons: [
          {
            label: evil,
            style: 'plain',
            reason: 'required',
            does: { kind: 'act', act: { kind: 'halt', reason: evil } },
          },
        ],
      }),
    );
    expect(text).not.toMatch(/<(img|script)/);
    expect(text.match(/<b>/g)).toHaveLength(2);
    const hrefs = [...text.matchAll(/href="([^"]*)"/g)].map(match => match[1]);
    expect(hrefs.filter(href => !href?.startsWith('/'))).toEqual(['https://ok.example/x?%22%3E%3Cb%3E']);
    expect(text).toContain('rel="noopener noreferrer nofollow"');
    expect(text).not.toMatch(/class="[^"]*(onerror|[<>])[^"]*"/);
    const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(match => match[1] ?? '');
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it('gives different keys different ids', () => {
    const keys = ['a/b', 'a-b', 'a_b', 'a_2f_b', 'a.b', 'A/b'];
    expect(new Set(keys.map(key => domId('p', key))).size).toBe(keys.length);
  });
});

describe('where a login leads', () => {
  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/\t/evil.example', 'javascript:1', ''])(
    'not to %j',
    path => {
      expect(safePath(path)).toBe('/');
    },
  );
  it('to a page of ours', () => {
    expect(safePath('/runs/run_1?show=all')).toBe('/runs/run_1?show=all');
  });
});

function cardOf(over: Partial<Card>): Card {
  return { tone: 'warning', title: 'A title', badge: null, blocks: [], buttons: [], mention: [], ...over };
}

/** `a`, `b:t-f1`: what a reader sees, however it is cut into spans. */
function classPerCharacter(markup: unknown): string[] {
  const pieces = String(markup).matchAll(/<span class="([^"]*)">([^<]*)<\/span>|([^<]+)/g);
  return [...pieces].flatMap(([, names, inside, outside]) =>
    [...(inside ?? outside ?? '')].map(char => (names === undefined ? char : `${char}:${names}`)),
  );
}

describe('how far a run is', () => {
  it.each([
    [null, null, 0, '0 of 5 steps'],
    [1, null, 0, 'step 1 of 5'],
    [1, null, 5, 'step 5 of 5'],
    [1, 2, 3, '3 of 5 steps'],
  ])('started %s, finished %s, %i done', (startedAt, finishedAt, done, text) => {
    const viewer = { now: 5 } as Viewer;
    const shown = renderProgress({ kind: 'progress', done, total: 5, startedAt, finishedAt, steps: [] }, viewer);
    expect(String(shown)).toContain(`<span>${text}</span>`);
  });
});

describe('the banners of every page', () => {
  it('say which nodes do not fit together', async () => {
    const double = await createHostDouble();
    try {
      const around = { ...(await readFrameData(double.host)), fleet: ['Node <b> has other files.'] };
      expect(String(renderBanners(around, {} as Viewer))).toContain('<li>Node &lt;b&gt; has other files.</li>');
    } finally {
      await double.close();
    }
  });

  it('say what is wrong with other chat platforms, as the text it is', async () => {
    const double = await createHostDouble();
    try {
      const viewer = {} as Viewer;
      expect(String(renderBanners(await readFrameData(double.host), viewer))).toBe('');
      double.troubles = ['slack: #ops does not take messages: <not_in_channel>'];
      const shown = String(renderBanners(await readFrameData(double.host), viewer));
      expect(shown).toContain('slack: #ops does not take messages: &lt;not_in_channel&gt;');
    } finally {
      await double.close();
    }
  });
});
