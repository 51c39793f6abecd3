import { afterEach, describe, expect, it } from 'vitest';
import { createHub, hubLimits } from '../../src/chat/console/hub.ts';
import platform from '../../src/chat/console/index.ts';
import { readTail } from '../../src/chat/console/outputs.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { Block, Post } from '../../src/model/card.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import type { Row } from '../../src/ports/store.ts';
import { sampleAlert, sampleApproval, samplePost, sampleRun } from '../contracts/samples.ts';
import { createHostDouble, type HostDouble } from '../doubles/chat-host.ts';
import { createClock } from '../doubles/clock.ts';

let closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

async function start(maxStreams = 64): Promise<{ double: HostDouble; connection: ChatConnection; at: string }> {
  const double = await createHostDouble();
  const connection = await platform.open(platform.options.parse({ maxStreams }), double.host);
  const at = await double.listen();
  closers.push(double.close, connection.close);
  return { double, connection, at };
}

interface Message {
  id: string;
  data: string;
}

/** Reads a stream as a browser does. `until` resolves when the texts of all messages so far hold; it never looks at a clock. */
async function follow(at: string, page: string, after: number, lastId?: string) {
  const stop = new AbortController();
  const response = await fetch(`${at}/console/stream?${new URLSearchParams({ page, after: String(after) })}`, {
    signal: stop.signal,
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
  });
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const reading = (async () => {
    let buffer = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      buffer += decoder.decode(chunk, { stream: true });
      const parts = buffer.split('\n\n');
      buffer = parts.pop() ?? '';
      for (const part of parts) {
        const lines = part.split('\n');
        const data = lines.filter(line => line.startsWith('data: ')).map(line => line.slice(6));
        const id = lines.find(line => line.startsWith('id: '))?.slice(4) ?? '';
        if (data.length > 0) messages.push({ id, data: data.join('\n') });
      }
      for (const wake of waiting) wake();
    }
  })()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
      for (const wake of waiting) wake();
    });
  closers.push(async () => {
    stop.abort();
    await reading;
  });
  return {
    response,
    messages,
    ended: () => reading,
    until(holds: (all: string, messages: Message[]) => boolean): Promise<string> {
      return new Promise((resolve, reject) => {
        const look = () => {
          const all = messages.map(message => message.data).join('\n');
          if (holds(all, messages)) resolve(all);
          else if (ended) reject(new Error('the stream ended before'));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      });
    },
  };
}

const card = (title: string, blocks: Block[] = []): Post['card'] => ({
  tone: 'info',
  title,
  badge: null,
  blocks,
  buttons: [],
  mention: [],
});

/** Follows the link to what is older from page to page, and gathers the items that were shown. */
async function walk(at: string, first: string): Promise<{ seen: Set<string>; pages: number }> {
  const seen = new Set<string>();
  let pages = 0;
  for (let path: string | undefined = first; path !== undefined && pages < 20; pages++) {
    const text: string = await (await fetch(at + path)).text();
    for (const [, item = ''] of text.matchAll(/(Item \d+)\./g)) seen.add(item);
    path = /href="([^"]+)">Show older/.exec(text)?.[1]?.replaceAll('&amp;', '&');
  }
  return { seen, pages };
}

describe('the stream of a page', () => {
  it('sends a new thread to the channel and a changed card in its place, and nothing else', async () => {
    const { double, at } = await start();
    await double.put(samplePost({ card: card('First') }));
    const stamp = (await double.store.post('console', 'alert/alt_1/1'))?.changed ?? 0;
    const stream = await follow(at, '/', stamp);
    await stream.until(all => all.includes('hx-target="#nav"'));
    await double.put(samplePost({ key: 'alert/alt_2/1', order: 2, card: card('Second') }));
    const added = await stream.until(all => all.includes('Second'));
    expect(added).toContain('hx-target="#timeline" hx-swap="afterbegin"');
    expect(added).not.toContain('First');
    await double.put(samplePost({ card: card('First, again') }));
    const edited = await stream.until(all => all.includes('First, again'));
    expect(edited).toContain('hx-target="#root-alert_2f_alt_5f_1_2f_1" hx-swap="outerMorph"');
    expect(edited.split('Second')).toHaveLength(2);
  });

  it('reaches every reply of a long thread, page by page', async () => {
    const { double, at } = await start();
    await double.put(samplePost({ key: 'alert/alt_1/1', order: 1, card: card('Root') }));
    // Two posts in each place, as an approval and its run are.
    const replies = Array.from({ length: 700 }, (_, index) =>
      samplePost({
        key: `note/${index}`,
        thread: 'alert/alt_1/1',
        order: 2 + Math.floor(index / 2),
        card: card(`Reply ${index}.`),
      }),
    );
    for (let i = 0; i < replies.length; i += 100) await double.put(...replies.slice(i, i + 100));
    const seen = new Set<string>();
    let path: string | undefined = '/threads/alert/alt_1/1';
    for (let pages = 1; path !== undefined; pages++) {
      expect(pages).toBeLessThanOrEqual(4);
      const text: string = await (await fetch(at + path)).text();
      expect(text).toContain('Root');
      expect(text.includes('Show the newest')).toBe(pages > 1);
      for (const [, reply = ''] of text.matchAll(/(Reply \d+)\./g)) seen.add(reply);
      path = /href="([^"]+)">Show older/.exec(text)?.[1];
    }
    expect(seen.size).toBe(700);
  });

  it('reaches every thread of a channel', async () => {
    const { double, at } = await start();
    const roots = Array.from({ length: 950 }, (_, index) =>
      samplePost({ key: `alert/${index}/1`, order: 1 + Math.floor(index / 2), card: card(`Item ${index}.`) }),
    );
    for (let i = 0; i < roots.length; i += 100) await double.put(...roots.slice(i, i + 100));
    const { seen, pages } = await walk(at, '/channels/alerts');
    expect([seen.size, pages]).toEqual([950, 6]);
  });

  it.each([
    [
      '/runs',
      'run',
      100,
      (n: number) => ({ table: 'run', doc: sampleRun({ id: `run_${n}`, title: `Item ${n}.`, createdAt: n }) }),
    ],
    [
      '/alerts',
      'alert',
      100,
      (n: number) => ({
        table: 'alert',
        doc: sampleAlert({ id: `alt_${n}`, title: `Item ${n}.`, startsAt: n, lastSeen: n }),
      }),
    ],
    [
      '/approvals?state=denied',
      'approval',
      100,
      (n: number) => ({
        table: 'approval',
        doc: sampleApproval({ id: `apv_${n}`, title: `Item ${n}.`, state: 'denied', createdAt: n }),
      }),
    ],
  ] as const)('reaches everything in a long list at %s', async (first, _table, perPage, row) => {
    const { double, at } = await start();
    const count = perPage * 2 + 7;
    await double.commit({ rows: Array.from({ length: count }, (_, index) => row(index + 1) as Row) });
    const { seen, pages } = await walk(at, first);
    expect(pages).toBe(3);
    expect(seen.size).toBe(count);
  });

  it('shows in the channel what happened last in a thread', async () => {
    const { double, at } = await start();
    await double.put(samplePost({ card: card('Root') }));
    const stream = await follow(at, '/', 1_000);
    await double.put(samplePost({ key: 'run/run_1', thread: 'alert/alt_1/1', order: 2, card: card('The run') }));
    expect(await stream.until(all => all.includes('The run'))).toContain('class="preview');
  });

  it('shows in the channel who is waited for, else what a thread is at, whatever was said since', async () => {
    const { double, at } = await start();
    const thread = 'alert/alt_1/1';
    const reply = (key: string, order: number, facts: Partial<Post['card']>) =>
      double.put(samplePost({ key, thread, order, card: { ...card(key), ...facts } }));
    const preview = async () => /class="preview-title">([^<]*)</.exec(await (await fetch(at)).text())?.[1];
    await double.put(samplePost({ card: card('Root') }));
    await reply('note/1', 2, {});
    expect(await preview()).toBe('note/1');
    await reply('run/1', 3, { badge: 'step 2 of 5' });
    await reply('note/2', 4, {});
    expect(await preview()).toBe('run/1');
    await reply('approval/1', 5, { badge: '1 approval missing', tone: 'ask' });
    await reply('run/2', 6, { badge: 'running' });
    expect(await preview()).toBe('approval/1');
  });

  it('resumes from the last event: nothing again that the page has, nothing missed in between', async () => {
    const { double, at } = await start();
    await double.put(samplePost({ card: card('Kept') }));
    const first = await follow(at, '/threads/alert/alt_1/1', 0);
    await first.until(all => all.includes('Kept'));
    const last = first.messages.at(-1)?.id ?? '';
    const idle = await follow(at, '/threads/alert/alt_1/1', 0, last);
    await idle.until(all => all.includes('hx-target="#nav"'));
    expect(idle.messages.map(message => message.data).join('')).not.toContain('Kept');
    await double.put(samplePost({ key: 'note/2', thread: 'alert/alt_1/1', order: 2, card: card('Missed while away') }));
    const back = await follow(at, '/threads/alert/alt_1/1', 0, last);
    const all = await back.until(text => text.includes('Missed while away'));
    expect(all).toContain('hx-target="#timeline" hx-swap="innerMorph"');
    expect(all).toContain('Kept');
  });

  it('streams output with its colours, in order and once, and goes on across chunks', async () => {
    const { double, at } = await start();
    const output: Block = { kind: 'output', run: 'run_1', step: 'clean', tail: '', live: true };
    await double.put(
      samplePost({}),
      samplePost({ key: 'run/run_1', thread: 'alert/alt_1/1', order: 2, card: card('Run', [output]) }),
    );
    await say(double, 1, 'one \x1b[31mred ');
    const stream = await follow(at, '/threads/alert/alt_1/1', 1_000);
    await stream.until(all => all.includes('red'));
    for (let seq = 2; seq <= 6; seq++) {
      await say(double, seq, `still red ${seq}\n`);
      double.wakeOutput('run_1');
    }
    const all = await stream.until(text => text.includes('still red 6'));
    const numbers = [...all.matchAll(/still red (\d)/g)].map(match => match[1]);
    expect(numbers).toEqual(['2', '3', '4', '5', '6']);
    expect(all).toContain('<span class="t-f1">still red');
    expect(all).toMatch(/hx-target="#out-run_5f_1_2f_clean" hx-swap="beforeend"/);
  });

  it('sends the tail anew when a page fell far behind, and never more than it', async () => {
    const { double, at } = await start();
    const run = sampleRun({ id: 'run_1', state: 'running', startedAt: 1, steps: [step('clean')] });
    await double.commit({ rows: [{ table: 'run', doc: run }] });
    const stream = await follow(at, '/runs/run_1', 0);
    await stream.until(all => all.includes('out-run_5f_1_2f_clean'));
    const rows = Array.from({ length: 3000 }, (_, index) =>
      outputRow(index + 1, `line ${index + 1} ${'x'.repeat(90)}\n`),
    );
    await double.commit({ rows });
    double.wakeOutput('run_1');
    await stream.until(all => all.includes('line 3000 '));
    const last = stream.messages.at(-1)?.data ?? '';
    expect(last).toContain('earlier output is in the full log');
    expect(last.length).toBeLessThan(2 * 64 * 1024);
  });

  it('refuses more pages than it was told to hold, and takes them again when one leaves', async () => {
    const { at, connection } = await start(2);
    const one = await follow(at, '/', 0);
    await follow(at, '/', 0);
    const third = await fetch(`${at}/console/stream?page=/&after=0`);
    expect(third.status).toBe(503);
    expect(third.headers.get('retry-after')).toBe('10');
    await connection.close();
    await one.ended();
  });

  it('answers 404 for a page that does not exist', async () => {
    const { at } = await start();
    for (const page of ['/nothing', '/runs/run_x', '/threads/alert/x/1', '/%E0%A4%A', '//evil.example']) {
      expect((await fetch(`${at}/console/stream?${new URLSearchParams({ page, after: '0' })}`)).status, page).toBe(404);
    }
    expect((await fetch(`${at}/console/stream?page=evil&after=0`)).status).toBe(404);
  });

  it('updates the counts and the banners on every page', async () => {
    const { double, at } = await start();
    const stream = await follow(at, '/runbooks', 0);
    await double.commit({ rows: [{ table: 'alert', doc: sampleAlert({ id: 'alt_9' }) }] });
    expect(await stream.until(all => all.includes('firing</span>'))).toContain('hx-target="#nav"');
    await double.commit({ rows: [{ table: 'halt', doc: { by: 'you', reason: 'drill', at: 1 } }] });
    expect(await stream.until(all => all.includes('drill'))).toContain('hx-target="#banners"');
  });

  it('leaves no listener behind when the platform is closed', async () => {
    const { double, at, connection } = await start();
    const run = sampleRun({ id: 'run_1', state: 'running', startedAt: 1, steps: [step('clean')] });
    await double.commit({ rows: [{ table: 'run', doc: run }] });
    const stream = await follow(at, '/runs/run_1', 0);
    await stream.until(all => all.includes('out-run_5f_1_2f_clean'));
    expect(double.listeners()).toBeGreaterThan(1);
    await connection.close();
    await stream.ended();
    expect(double.listeners()).toBe(0);
  });
});

describe('a page that does not read', () => {
  it('gets one message at a time however much changes, and is dropped when it never reads again', async () => {
    const double = await createHostDouble();
    closers.push(double.close);
    const clock = createClock();
    const hub = createHub({
      host: double.host,
      clock,
      log: silentLog,
      limits: { ...hubLimits, pause: 0, heartbeat: 5, stalled: 1000 },
    });
    const slow = slowResponse();
    let rendered = 0;
    const feed = { next: async () => ({ texts: [`<p>${++rendered}</p>`], stamp: rendered }), liveRuns: () => [] };
    hub.open(slow.response, feed, () => ({}) as never);
    for (let i = 0; i < 200; i++) {
      hub.wake();
      await turn();
    }
    expect(rendered).toBe(0);
    expect(slow.written).toHaveLength(1);
    slow.drain();
    while (slow.written.length < 2) await turn();
    expect(rendered).toBe(1);
    await clock.advance(2000);
    while (hub.count() > 0) await turn();
    expect(slow.destroyed()).toBe(true);
    hub.close();
  });
});

describe('the tail of an output', () => {
  it('is found with few reads in a long one', async () => {
    const double = await createHostDouble();
    closers.push(double.close);
    await double.commit({ rows: Array.from({ length: 5000 }, (_, index) => outputRow(index + 1, `${index + 1}\n`)) });
    let reads = 0;
    const counting = {
      ...double.store,
      output: (query: Parameters<typeof double.store.output>[0]) => {
        reads++;
        return double.store.output(query);
      },
    };
    const tail = await readTail(counting, 'run_1', 'clean');
    expect(tail.seq).toBe(5000);
    expect(tail.cut).toBe(true);
    expect(tail.text.endsWith('4999\n5000\n')).toBe(true);
    expect(reads).toBeLessThan(40);
    expect(await readTail(counting, 'run_1', 'other')).toEqual({ text: '', cut: false, seq: 0 });
  });
});

/** A response whose client takes nothing until `drain`. */
function slowResponse() {
  const written: string[] = [];
  const listeners = new Map<string, () => void>();
  let destroyed = false;
  const response = {
    write(text: string) {
      written.push(text);
      return false;
    },
    once: (name: string, listener: () => void) => listeners.set(name, listener),
    on: () => response,
    destroy() {
      destroyed = true;
    },
  };
  return { written, response: response as never, drain: () => listeners.get('drain')?.(), destroyed: () => destroyed };
}

function turn(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 1));
}

function outputRow(seq: number, text: string) {
  return { table: 'output' as const, doc: { run: 'run_1', step: 'clean', attempt: 1, seq, text, at: 1 } };
}

async function say(double: HostDouble, seq: number, text: string): Promise<void> {
  await double.commit({ rows: [outputRow(seq, text)] });
}

function step(id: string) {
  return {
    id,
    type: 'exec',
    title: id,
    state: 'running' as const,
    attempts: 1,
    idempotent: false,
    inputDigest: null,
    waiting: null,
    exitCode: null,
    output: null,
    because: null,
    ending: null,
    window: null,
    startedAt: 1,
    finishedAt: null,
  };
}
