import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createChildren } from '../../../src/kernel/child/child.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createOutput, type OutputParts, spawnInto } from '../../../src/kernel/output/output.ts';
import { createClock } from '../../doubles/clock.ts';

const MiB = 1024 * 1024;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const children = createChildren({ clock: systemClock, log: silentLog, path, home: '/' });

function make(parts: Partial<OutputParts> = {}) {
  const chunks: string[] = [];
  const clock = createClock();
  const output = createOutput({
    clock,
    log: silentLog,
    secrets: [],
    maxBytes: MiB,
    onChunk: text => {
      chunks.push(text);
    },
    ...parts,
  });
  return { output, chunks, clock };
}

/** What becomes of these bytes, in chunks of the given size. */
async function shown(bytes: Buffer | string, size = 1_000_000, parts: Partial<OutputParts> = {}) {
  const { output, chunks } = make(parts);
  const child = output.child();
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; at += size) await child.write(all.subarray(at, at + size), 'stdout');
  const data = child.end();
  return { ...(await output.end()), data, live: chunks.join('') };
}

let marks = 0;
const io = () => ({
  marker: `test-output-${process.pid}/${++marks}`,
  signal: new AbortController().signal,
  grace: 100,
});

describe('text', () => {
  it.each([
    ['plain', 'a\nb\n', 'a\nb\n'],
    ['no break at the end', 'a', 'a\n'],
    ['windows breaks', 'a\r\nb\r\n', 'a\nb\n'],
    ['a progress bar', '10%\r20%\r100%\ndone\n', '100%\ndone\n'],
    ['a progress bar that ends in a return', '10%\r100%\r\nx\n', '100%\nx\n'],
    ['colours stay', '\x1b[1;31mred\x1b[0m\n', '\x1b[1;31mred\x1b[0m\n'],
    ['the cursor does not move', 'a\x1b[2K\x1b[1A\x1b[?25lb\x1b]0;title\x07c\x1b[6n\n', 'abc\n'],
    ['NUL and others', 'a\0b\x07c\x7f\n', 'a␀b␇c␡\n'],
    ['backspaces', 'abc\b\bXY\n', 'aXY\n'],
    ['bidi and zero width', 'a\u202eb\u200bc\n', 'a\\u202eb\\u200bc\n'],
    ['umlauts and emoji', 'ü 🎉 👩\u200d🚒\n', 'ü 🎉 👩\u200d🚒\n'],
  ])('%s', async (_, given, expected) => {
    for (const size of [1, 2, 3, 1000]) expect((await shown(given, size)).text).toBe(expected);
  });

  it('makes U+FFFD of what is not UTF-8, and of nothing else', async () => {
    const bytes = Buffer.concat([Buffer.from('a'), Buffer.from([0xff, 0xc3]), Buffer.from('ü\n')]);
    for (const size of [1, 2, 100]) expect((await shown(bytes, size)).text).toBe('a\ufffd\ufffdü\n');
  });

  it('breaks lines that are too long, and splits no character', async () => {
    const { text } = await shown('🎉'.repeat(20_000));
    expect(text.replaceAll('\n', '')).toBe('🎉'.repeat(20_000));
    expect(text.isWellFormed()).toBe(true);
    expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(16_384);
  });

  it('takes any bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919 + (i >> 7) * 31) % 256));
    const { text, data } = await shown(bytes, 4097);
    for (const one of [text, data.stdout]) {
      expect(one.isWellFormed()).toBe(true);
      expect(one).not.toContain('\0');
    }
    // The only control characters left are line breaks, tabs and the start of colours.
    expect(text.replace(/\x1b\[[0-9;:]*m/g, '')).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  });

  it('gives the next step its data as it was', async () => {
    const json = JSON.stringify({ long: 'x'.repeat(40_000), joiner: 'a\u200db' });
    const { data } = await shown(`\x1b[32m${json}\x1b[0m\r\n`, 1000);
    expect(data).toEqual({ stdout: `${json}\n`, stderr: '', cut: 0 });
  });
});

describe('secrets', () => {
  const secret = 'canary-0123456789';
  it('appear nowhere, torn by chunks, streams or commands', async () => {
    const { output, chunks } = make({ secrets: [secret] });
    const child = output.child();
    for (const part of ['x cana', 'ry-01234', '56789 y\n']) {
      await child.write(Buffer.from(part), 'stdout');
      await child.write(Buffer.from(`${part}`), 'stderr');
    }
    output.say(`the token is ${secret}`);
    const data = child.end();
    const { text } = await output.end();
    expect(data.stdout).toBe('x [redacted] y\n');
    for (const sink of [text, chunks.join(''), data.stdout, data.stderr]) expect(sink).not.toMatch(/canary|0123456789/);
  });

  it('appear nowhere in what is kept of a flood, wherever it is cut', async () => {
    for (const odd of [0, 1, 2, 3, 5, 7, 11, 13]) {
      const line = `${'.'.repeat(odd)}${secret} password=torn-${secret}\n`;
      const { text, live, data, cut } = await shown(line.repeat(20_000), 5000, {
        secrets: [secret],
        maxBytes: 64 * 1024,
        maxStream: 32 * 1024,
      });
      expect(cut).toBeGreaterThan(0);
      for (const sink of [text, live, data.stdout]) expect(sink).not.toMatch(/canary|0123456789|torn/);
    }
  });

  it('of which only the end is kept do not appear either', async () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n'.repeat(40)}-----END PRIVATE KEY-----\n`;
    const half = 32 * 1024;
    // The key lies across the place where the kept tail begins.
    for (let back = 100; back < 1500; back += 100) {
      const text = `${'a\n'.repeat(100_000)}${key}${'b\n'.repeat((half + 64 * 1024 - back) / 2)}`;
      expect((await shown(text, 4096, { maxBytes: 2 * half })).text).not.toContain('MIIE');
    }
  });
});

describe('bounds', () => {
  it('keeps head and tail, and counts what was cut', async () => {
    const lines = Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`).join('');
    const { text, cut } = await shown(lines, 10_000, { maxBytes: 100_000 });
    expect(text.startsWith('line 0\nline 1\n')).toBe(true);
    expect(text.endsWith('line 199998\nline 199999\n')).toBe(true);
    const note = `\n[… ${cut.toLocaleString('en-GB')} bytes cut …]\n`;
    expect(text).toContain(note);
    expect(Buffer.byteLength(text) - Buffer.byteLength(note) + cut).toBe(lines.length);
    expect(Buffer.byteLength(text)).toBeLessThan(101_000);
  });

  it('loses nothing that fits', async () => {
    const lines = Array.from({ length: 9000 }, (_, i) => `line ${i}\n`).join('');
    for (const size of [7, 4096, 1_000_000]) {
      const result = await shown(lines, size, { maxBytes: 200_000 });
      expect(result.text === lines).toBe(true);
      expect(result.data.stdout === lines).toBe(true);
      expect(result.cut).toBe(0);
    }
  });

  it('keeps the last words of stderr under a flood of stdout', async () => {
    const { output } = make({ maxBytes: 64 * 1024 });
    const child = output.child();
    await child.write(Buffer.from('y\n'.repeat(100_000)), 'stdout');
    await child.write(Buffer.from('the real reason\n'), 'stderr');
    for (let i = 0; i < 100; i++) await child.write(Buffer.from('y\n'.repeat(10_000)), 'stdout');
    expect(child.end().stderr).toBe('the real reason\n');
  });

  it('keeps the order of the two streams, in the tail too', async () => {
    const { output } = make({ maxBytes: 8192 });
    const child = output.child();
    for (let i = 0; i < 3000; i++) await child.write(Buffer.from(`${i}\n`), i % 2 ? 'stdout' : 'stderr');
    child.end();
    const { text } = await output.end();
    const tail = text
      .slice(text.indexOf('bytes cut'))
      .split('\n')
      .slice(1)
      .filter(line => line !== '')
      .map(Number);
    expect(tail.at(-1)).toBe(2999);
    expect(tail.length).toBeGreaterThan(100);
    // The first line after the cut may be half of one.
    expect(tail.slice(1)).toEqual(tail.slice(1).toSorted((a, b) => a - b));
  });

  it('stays within memory at 1 GB from a real child', async () => {
    const { output, chunks } = make({ clock: systemClock, maxBytes: 4 * MiB });
    const memory = watchMemory();
    const result = await spawnInto(children, output, { argv: ['head', '-c', '1G', '/dev/zero'] }, io());
    const { text, cut } = await output.end();
    const most = memory.stop();
    expect(result.exitCode).toBe(0);
    expect(cut).toBeGreaterThan(1_000_000_000);
    expect(Buffer.byteLength(text)).toBeLessThan(4.1 * MiB);
    expect(Buffer.byteLength(chunks.join(''))).toBeLessThan(5 * MiB);
    expect(memory.looks()).toBeGreaterThan(3);
    // A quarter of what came: bounded is what counts, and how soon garbage is collected is the machine's own.
    expect(most).toBeLessThan(256 * MiB);
  }, 120_000);

  it('stays within memory at one line of 100 MB, and at a million short lines', async () => {
    const { output } = make({ clock: systemClock, maxBytes: 4 * MiB, secrets: ['canary-0123456789'] });
    const memory = watchMemory();
    await spawnInto(
      children,
      output,
      { argv: ['sh', '-c', 'head -c 100M /dev/zero | tr "\\0" x; echo; seq 1 1000000'] },
      io(),
    );
    const { text } = await output.end();
    expect(text.endsWith('999999\n1000000\n')).toBe(true);
    expect(memory.stop()).toBeLessThan(80 * MiB);
  }, 120_000);
});

/**
 * How much more was held at most than at the start, bytes. Looked at after a collection: how much garbage lies around, and with it what
 * the system counts as ours, depends on how busy the machine is.
 */
function watchMemory() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = held();
  let [most, looks] = [0, 0];
  const look = () => {
    looks++;
    most = Math.max(most, held() - before);
  };
  const timer = setInterval(look, 100);
  return {
    looks: () => looks,
    stop() {
      clearInterval(timer);
      look();
      return most;
    },
  };
}

describe('live', () => {
  it('comes in batches: the first after 10 ms, others after 100 ms or at 16 KiB', async () => {
    let onChunk: (text: string) => void = () => {};
    const { output, chunks, clock } = make({
      onChunk(text) {
        chunks.push(text);
        onChunk(text);
      },
    });
    const child = output.child();
    await child.write(Buffer.from('a\n'), 'stdout');
    await child.write(Buffer.from('b\n'), 'stdout');
    await clock.advance(9);
    expect(chunks).toEqual([]);
    await clock.advance(1);
    expect(chunks).toEqual(['a\nb\n']);
    await child.write(Buffer.from('c\n'), 'stdout');
    await clock.advance(99);
    expect(chunks).toHaveLength(1);
    await clock.advance(1);
    expect(chunks.at(-1)).toBe('c\n');
    // No time passes: the size alone is the reason.
    const full = new Promise(resolve => {
      onChunk = resolve;
    });
    await child.write(Buffer.from('0123456\n'.repeat(2048)), 'stdout');
    await full;
    expect(chunks).toHaveLength(3);
    output.say('done');
    await output.end();
    expect(chunks.at(-1)).toBe('done\n');
    expect(clock.sleepers()).toBe(0);
  });

  it('is handed over one at a time, in order, and holds the child back when it is slow', async () => {
    let [inside, most] = [0, 0];
    const gate = Promise.withResolvers<void>();
    const seen: string[] = [];
    const { output } = make({
      maxBytes: 8 * MiB,
      async onChunk(text) {
        most = Math.max(most, ++inside);
        seen.push(text);
        await gate.promise;
        inside--;
      },
    });
    const child = output.child();
    const lines = Array.from({ length: 100 }, (_, i) => `${String(i).padStart(5, '0')}${'.'.repeat(10_000)}\n`);
    let held: Promise<void> | undefined;
    let fed = 0;
    for (; fed < lines.length && held === undefined; fed++)
      held = child.write(Buffer.from(lines[fed] ?? ''), 'stdout') ?? undefined;
    expect(fed).toBeLessThan(40);
    gate.resolve();
    await held;
    for (; fed < lines.length; fed++) await child.write(Buffer.from(lines[fed] ?? ''), 'stdout');
    child.end();
    await output.end();
    expect(most).toBe(1);
    expect(seen.join('')).toBe(lines.join(''));
  });

  it('that fails does not harm what is kept', async () => {
    const { text } = await shown('a\nb\n', 2, {
      onChunk: () => Promise.reject(new Error('store is down')),
    });
    expect(text).toBe('a\nb\n');
  });

  it('shows states of a progress bar that never breaks its line', async () => {
    const { output, chunks, clock } = make();
    const child = output.child();
    for (let i = 0; i <= 100; i++) {
      await child.write(Buffer.from(`\r${i}%`), 'stdout');
      await clock.advance(100);
    }
    child.end();
    await output.end();
    const states = chunks.join('').trim().split('\n');
    expect(states.length).toBeGreaterThan(3);
    expect(states.length).toBeLessThan(10);
    expect(states.at(-1)).toBe('100%');
  });

  it('gives a glimpse now and then beyond the head, and no more than the head again', async () => {
    const { output, chunks, clock } = make({ maxBytes: 32 * 1024 });
    const child = output.child();
    for (let i = 0; i < 400; i++) {
      await child.write(Buffer.from(`${i} ${'x'.repeat(2000)}\n`), 'stdout');
      await clock.advance(100);
    }
    const live = chunks.join('');
    expect(live).toMatch(/bytes not shown live …\]\n/);
    expect(live.length).toBeLessThan(40 * 1024);
    child.end();
    expect((await output.end()).text).toContain('399 xxx');
  });

  it('shows the last lines live too when the middle was not', async () => {
    const flood = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${'x'.repeat(40)}`).join('\n');
    const { live, cut } = await shown(`${flood}\nthe reason\n`, 64 * 1024, { maxBytes: 256 * 1024 });
    expect(cut).toBeGreaterThan(0);
    expect(live.endsWith('the reason\n')).toBe(true);
    const [, last = ''] = live.split('[… the last lines …]\n');
    expect(last).toMatch(/^line \d+ x/);
    expect(last.length).toBeLessThan(65 * 1024);
  });
});
