import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../src/chat/console/index.ts';
import { createLogBook } from '../../src/chat/console/log/book.ts';
import { createLines } from '../../src/chat/console/log/lines.ts';
import { sha256 } from '../../src/kernel/canonical.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import type { Store } from '../../src/ports/store.ts';
import { createHostDouble, type HostDouble } from '../doubles/chat-host.ts';
import { finishStep, logRun, printLines } from './log-samples.ts';

describe('the lines of a log', () => {
  it('are the same however the text was cut into pieces, with their numbers, times and colours', () => {
    const text = Array.from({ length: 5000 }, (_, index) => `\x1b[${31 + (index % 3)}mline ${index + 1}\n`).join('');
    const ones = createLines();
    const whole = createLines();
    whole.push(text, 1, 1);
    for (let at = 0; at < text.length; at += 37) ones.push(text.slice(at, at + 37), 1, 1);
    expect(ones.count()).toBe(5000);
    for (const [from, to] of [
      [1, 3],
      [2499, 2502],
      [4999, 9999],
    ] as const)
      expect(ones.read(from, to)).toEqual(whole.read(from, to));
    expect(ones.read(4000, 4000).lines).toEqual([{ number: 4000, text: '\x1b[31mline 4000', at: 1, attempt: 1 }]);
    expect(ones.read(4001, 4001).ansi.fg).toBe(1);
  });

  it('of another attempt begin without the colours of the first, and an unfinished line is one at the end', () => {
    const lines = createLines();
    lines.push('\x1b[31mred\nhalf', 1, 1);
    lines.push('again\n', 2, 2);
    expect(lines.read(1, 9).lines.map(line => [line.number, line.attempt, line.text])).toEqual([
      [1, 1, '\x1b[31mred'],
      [2, 1, 'half'],
      [3, 2, 'again'],
    ]);
    expect(lines.read(3, 3).ansi.fg).toBeNull();
    expect(lines.read(4, 9).lines).toEqual([]);
  });
});

let double: HostDouble;
let connection: ChatConnection;
let at: string;
beforeEach(async () => {
  double = await createHostDouble();
  connection = await platform.open(platform.options.parse({}), double.host);
  at = await double.listen();
});
afterEach(async () => {
  await connection.close();
  await double.close();
});

const get = async (path: string) => {
  const response = await fetch(at + path);
  return { status: response.status, text: await response.text(), headers: response.headers };
};
/** The numbers of the lines on a page. */
const numbersOn = (text: string) => [...text.matchAll(/ id="L(\d+)"/g)].map(([, number]) => Number(number));

describe('the page of a log', () => {
  it('shows the last lines of a long log, and every other by pages, by its number and by its link', async () => {
    await double.commit({ rows: [{ table: 'run', doc: logRun('done') }] });
    await printLines(double, 1, 2500);
    const end = await get('/runs/run_1/log?step=clean');
    expect(numbersOn(end.text)).toEqual(Array.from({ length: 1000 }, (_, index) => 1501 + index));
    expect(end.text).toContain('2,500 lines');
    const seen = new Set<number>();
    let path: string | undefined = '/runs/run_1/log?step=clean&from=1';
    for (let pages = 0; path !== undefined && pages < 9; pages++) {
      const page: string = (await get(path)).text;
      for (const number of numbersOn(page)) seen.add(number);
      path = /href="([^"]+)">Later</.exec(page)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen.size).toBe(2500);
    const marked = (await get('/runs/run_1/log?step=clean&line=700')).text;
    expect(marked).toContain('<li class="log-line log-here" id="L700" aria-current="true">');
    expect(marked).toContain('href="?step=clean&amp;line=700#L700"');
    expect(numbersOn((await get('/runs/run_1/log?step=clean&line=99999')).text).at(-1)).toBe(2500);
  });

  it('keeps each line with the time of its arrival, in colour, as text', async () => {
    await double.commit({
      rows: [
        { table: 'run', doc: logRun('done') },
        output(1, '\x1b[31mred\n', Date.UTC(2026, 0, 2, 3, 4, 5)),
        output(2, 'still <b>red</b>\x1b[0m & plain\n', Date.UTC(2026, 0, 2, 3, 4, 6)),
      ],
    });
    const { text } = await get('/runs/run_1/log');
    expect(text).toContain('<time class="log-time" datetime="2026-01-02T03:04:05.000Z"');
    expect(text).toContain('<span class="t-f1">still &lt;b&gt;red&lt;/b&gt;</span> &amp; plain');
  });

  it('finds text whatever its case and colours, says how many lines have it, and shows the place', async () => {
    await double.commit({ rows: [{ table: 'run', doc: logRun('done') }] });
    await printLines(double, 1, 1500, number =>
      number % 5 === 0 ? `\x1b[3${number % 7}mFa\x1b[0miled ${number}` : `ok ${number}`,
    );
    const { text } = await get('/runs/run_1/log?step=clean&q=FAILED');
    expect(text).toContain('300 lines have “FAILED”, of which 1 to 200 are shown');
    expect(numbersOn(text)).toHaveLength(200);
    const more = /href="([^"]+)">Further matches/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const rest = (await get(`/runs/run_1/log${more}`)).text;
    expect(numbersOn(rest).at(-1)).toBe(1500);
    const place = (await get('/runs/run_1/log?step=clean&q=failed&line=1000')).text;
    expect(place).toContain('<mark>');
    expect(place).toContain('line=1005#L1005">Next match');
    expect(place).toContain('line=995#L995">Match before');
    expect((await get('/runs/run_1/log?step=clean&q=%3Cscript%3E')).text).toContain(
      'No line has “&lt;script&gt;”. 1,500 lines were searched.',
    );
  });

  it('has the last lines of a log of which the middle was left out, without times where none were kept', async () => {
    const kept = `head 1\nhead 2\n\n[… 9,000,000 bytes cut …]\n${Array.from({ length: 50 }, (_, index) => `tail ${index}`).join('\n')}\n`;
    await double.commit({
      rows: [output(1, 'head 1\nhead 2\n', 1000), output(2, '[… 9,000 bytes not shown live …]\nsample\n', 2000)],
    });
    await finishStep(double, kept);
    const { text } = await get('/runs/run_1/log?step=clean');
    expect(text).toContain('tail 49');
    expect(text).not.toContain('sample');
    expect(text).toMatch(/datetime="1970-01-01T00:00:01.000Z"[^>]*>[^<]*<\/time><span class="log-text">head 2/);
    expect(text).toMatch(/was not shown live">–<\/span><span class="log-text">tail 49/);
    // The page of the run shows them too.
    const run = (await get('/runs/run_1')).text;
    expect(run).toContain('tail 49');
    expect(run).not.toContain('sample');
  });

  it('serves the log as a file, and as text', async () => {
    await double.commit({ rows: [{ table: 'run', doc: logRun('done') }, output(1, '\x1b[31mred\x1b[0m\n', 1)] });
    const file = await get('/runs/run_1/output?step=clean&save=yes');
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="run_1-clean.log"');
    expect(file.text).toBe('red\n');
    const plain = await get('/runs/run_1/output?step=clean');
    expect(plain.headers.get('content-disposition')).toBeNull();
    expect(plain.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });
});

describe('a log that cannot be had leaves its place', () => {
  it.each([
    ['a run that does not exist', '/runs/run_9/log', 404, 'There is no run <code>run_9</code>'],
    ['a step that the run does not have', '/runs/run_1/log?step=nope', 200, 'This run has no step <code>nope</code>'],
    ['a step that has not started', '/runs/run_1/log?step=after', 200, 'has not started yet'],
    ['a step that printed nothing so far', '/runs/run_1/log?step=clean', 200, 'has printed nothing yet'],
    [
      'hostile words',
      `/runs/run_1/log?step=${encodeURIComponent('"><script>x')}&line=0x1&from=-1&wrap=maybe`,
      200,
      'has no step',
    ],
  ])('%s', async (_name, path, status, reason) => {
    await double.commit({ rows: [{ table: 'run', doc: logRun('running') }] });
    const page = await get(path);
    expect(page.status).toBe(status);
    expect(page.text).toContain(reason);
    expect(page.text).not.toContain('<script>x');
    expect(page.text).toMatch(/class="card log-absent".*href="\/runs/s);
  });

  it('says that it was deleted, and that what is stored is not what the journal names', async () => {
    await finishStep(double, 'what it said\n', { stored: false });
    const gone = (await get('/runs/run_1/log?step=clean')).text;
    expect(gone).toContain('It printed a log, which was deleted when its time was over.');
    expect(gone).toContain('href="/runs/run_1">Open the run');
    await double.store.commit({ blobs: [{ digest: sha256('what it said\n'), bytes: 'forged\n' }] });
    // A book that has not looked yet.
    const run = await double.store.run('run_1');
    if (run === null || run.steps[0] === undefined) throw new Error('the run is gone');
    await expect(createLogBook(double.store).read(run, run.steps[0])).rejects.toMatchObject({ code: 'journal-broken' });
  });
});

it('reads a log once, then only what is new', async () => {
  await double.commit({ rows: [{ table: 'run', doc: logRun('running') }] });
  await printLines(double, 1, 1200);
  const asked: number[] = [];
  const counting: Pick<Store, 'output' | 'stream' | 'blob'> = {
    stream: stream => double.store.stream(stream),
    blob: digest => double.store.blob(digest),
    output(query) {
      asked.push(query.after);
      return double.store.output(query);
    },
  };
  const book = createLogBook(counting);
  const run = logRun('running');
  const [step] = run.steps;
  if (step === undefined) throw new Error('the run has no step');
  const both = await Promise.all([book.read(run, step), book.read(run, step)]);
  expect(both.map(log => log.lines.count())).toEqual([1200, 1200]);
  const before = asked.length;
  await double.commit({ rows: [output(1201, 'one more\n', 9)] });
  expect((await book.read(run, step)).lines.count()).toBe(1201);
  expect(asked.slice(before)).toEqual([1200]);
});

function output(seq: number, text: string, time: number) {
  return { table: 'output' as const, doc: { run: 'run_1', step: 'clean', attempt: 1, seq, text, at: time } };
}
