import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dial, openSyslog, sendTcp, sendUdp, until } from './place.ts';

let cleanUp: AsyncDisposableStack;
beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

const line = (text: string) => `<38>Nov 29 08:00:00 web-1 sshd[12]: ${text}\n`;
const tcp = { tcp: { port: 0 } };

describe('TCP', () => {
  test('both framings, at one port', async () => {
    const { ports, seen, texts, froms } = await openSyslog(cleanUp, tcp);
    const [port = 0] = await ports();
    await sendTcp(port, line('one') + line('two'));
    await until(() => seen.length === 2);
    const counted = '<165>1 2026-11-29T08:00:00Z db-1 app 7 ID1 [o@1 a="b"] three';
    await sendTcp(port, `${counted.length} ${counted}`);
    await until(() => seen.length === 3);
    expect(texts()).toEqual(['one', 'two', 'three']);
    expect(seen[0]).toMatchObject({
      facility: 'auth',
      severity: 'info',
      level: 6,
      host: 'web-1',
      app: 'sshd',
      procid: '12',
      peer: '127.0.0.1',
      client: '',
      transport: 'tcp',
      form: 'rfc3164',
      cut: false,
      data: {},
      text: line('one').trim(),
    });
    expect(seen[2]).toMatchObject({
      facility: 'local4',
      msgid: 'ID1',
      structured: { 'o@1': { a: 'b' } },
      at: Date.parse('2026-11-29T08:00:00Z'),
    });
    expect(froms[0]).toBe('syslog over tcp 127.0.0.1');
  });

  test('Latin-1 and UTF-8, letter by letter', async () => {
    const { ports, texts, seen } = await openSyslog(cleanUp, tcp);
    const [port = 0] = await ports();
    await sendTcp(port, Buffer.concat([Buffer.from(line('größe 日本')), Buffer.from(line('größe'), 'latin1')]));
    await until(() => seen.length === 2);
    expect(texts()).toEqual(['größe 日本', 'größe']);
  });

  test('the message is read by a format of its own', async () => {
    const given = { ...tcp, message: { format: 'json', time: 'ts' } };
    const { ports, seen } = await openSyslog(cleanUp, given);
    const [port = 0] = await ports();
    await sendTcp(
      port,
      `<13>app: @cee: {"user":"ann","ts":"2026-11-29T07:00:00Z"}\n<13>app: {"a":{"b":[1]}}\n<13>app: text\n`,
    );
    await until(() => seen.length === 3);
    expect(seen.map(({ data }) => data)).toEqual([{ user: 'ann', ts: '2026-11-29T07:00:00Z' }, { a: { b: [1] } }, {}]);
    expect(seen[0]?.at).toBe(Date.parse('2026-11-29T07:00:00Z'));
  });

  test('a message that is too long is cut, and said to be', async () => {
    const { ports, seen } = await openSyslog(cleanUp, { ...tcp, longestMessage: 480 });
    const [port = 0] = await ports();
    await sendTcp(port, line('x'.repeat(10_000)) + line('next'));
    await until(() => seen.length === 2);
    expect(seen.map(({ cut, text }) => [cut, text.length])).toEqual([
      [true, 480],
      [false, line('next').trim().length],
    ]);
  });

  test('while the store takes nothing nobody reads on, and then everything arrives once', async () => {
    let down = true;
    const { ports, seen, keys, lost } = await openSyslog(cleanUp, tcp, { refuses: () => down });
    const [port = 0] = await ports();
    const socket = await dial(port);
    const text = 'y'.repeat(60_000);
    const count = 1000;
    let sent = 0;
    // 60 MB: more than waits here and in the kernel.
    const sending = (async () => {
      for (let n = 0; n < count; n += 1) {
        const flushed = socket.write(line(`${n} ${text}`));
        sent = n + 1;
        if (!flushed) await new Promise<void>(resolve => socket.once('drain', () => resolve()));
      }
      socket.end();
    })();
    await until(() => keys.length > 2);
    const { memoryUsage } = process;
    expect(memoryUsage().arrayBuffers).toBeLessThan(400e6);
    expect(sent).toBeLessThan(count);
    expect(seen).toEqual([]);
    down = false;
    await sending;
    await until(() => seen.length >= count);
    expect(seen.map(({ message }) => Number(String(message).split(' ')[0]))).toEqual(
      Array.from({ length: count }, (_, n) => n),
    );
    expect(lost).toEqual([]);
    // The batch that was refused kept its key.
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
  });

  test('a stop commits what was taken, also what is under way', async () => {
    const { ports, texts, stop, lost } = await openSyslog(cleanUp, tcp);
    const [port = 0] = await ports();
    const socket = await dial(port);
    await new Promise<void>(resolve => socket.write(line('one') + line('two') + line('three').trim(), () => resolve()));
    socket.on('data', () => {});
    await until(() => socket.bytesWritten > 0);
    // The last one has no end yet: it has its end when the connection is closed.
    await stop();
    expect(texts()).toEqual(['one', 'two', 'three']);
    expect(lost).toEqual([]);
    await expect(dial(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('what cannot be committed at a stop is counted', async () => {
    const { ports, keys, stop, lost } = await openSyslog(cleanUp, tcp, { refuses: () => true });
    const [port = 0] = await ports();
    await sendTcp(port, line('one') + line('two'));
    await until(() => keys.length > 0);
    await stop();
    expect(lost).toEqual([{ records: 2, because: 'Tocsin stopped while they could not be committed' }]);
  });

  test('other options at the same port: what was connected is taken by the one before', async () => {
    const first = await openSyslog(cleanUp, tcp);
    const [port = 0] = await first.ports();
    await sendTcp(port, line('before'));
    const second = await openSyslog(cleanUp, { tcp: { port }, timezone: 'Europe/Berlin' });
    await first.stop();
    await second.ports();
    await sendTcp(port, line('after'));
    await until(() => second.seen.length === 1);
    expect([first.texts(), second.texts()]).toEqual([['before'], ['after']]);
  });

  test('only so many connections, and only from those who may', async () => {
    const one = await openSyslog(cleanUp, { ...tcp, connections: 1 });
    const [port = 0] = await one.ports();
    const socket = await dial(port);
    socket.write(line('one'));
    await until(() => one.seen.length === 1);
    await sendTcp(port, line('two')).catch(() => {});
    socket.write(line('three'));
    await until(() => one.seen.length === 2);
    expect(one.texts()).toEqual(['one', 'three']);
    expect(one.lines.filter(({ message }) => message.includes('too many'))).toHaveLength(1);
    socket.destroy();
    const other = await openSyslog(cleanUp, { ...tcp, senders: ['10.0.0.0/8', '192.0.2.1'] });
    const [closed = 0] = await other.ports();
    await sendTcp(closed, line('no')).catch(() => {});
    await until(() => other.lines.some(({ message }) => message.includes('not among `senders`')));
    expect(other.seen).toEqual([]);
  });

  test('a connection that is silent is ended, with what it said', async () => {
    const { ports, texts, seen } = await openSyslog(cleanUp, { ...tcp, idle: '1s' });
    const [port = 0] = await ports();
    const socket = await dial(port);
    const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
    socket.resume();
    socket.write(line('one').trim());
    await closed;
    await until(() => seen.length === 1);
    expect(texts()).toEqual(['one']);
  });

  test('a sender that sends more than it may waits, and loses nothing', async () => {
    const { ports, seen, lost } = await openSyslog(cleanUp, { ...tcp, bytesPerSecond: 100_000 });
    const [port = 0] = await ports();
    await sendTcp(port, Array.from({ length: 200 }, (_, n) => line(`${n} ${'z'.repeat(1000)}`)).join(''));
    await until(() => seen.length === 200);
    expect(lost).toEqual([]);
  });
});

describe('UDP', () => {
  test('a datagram is a message', async () => {
    const { ports, seen, texts } = await openSyslog(cleanUp, { udp: { port: 0 } });
    const [port = 0] = await ports();
    await sendUdp(port, line('one'), '<38>1 - h app - - - two', '', '\n');
    await until(() => seen.length === 2);
    expect(texts().sort()).toEqual(['one', 'two']);
    expect(seen[0]).toMatchObject({ transport: 'udp', peer: '127.0.0.1' });
  });

  test.skipIf(!existsSync('/proc/net/udp'))(
    'each datagram is taken, or counted when the kernel threw it away',
    async () => {
      const { ports, seen, lost, stop } = await openSyslog(cleanUp, { udp: { port: 0 }, bytesPerSecond: 1024 ** 3 });
      const [port = 0] = await ports();
      const count = 20_000;
      // This process reads nothing while it waits for the other one.
      const script = `
      const socket = require('node:dgram').createSocket('udp4');
      let left = ${count};
      const next = () => (left-- === 0 ? socket.close() : socket.send('<13>app: ' + 'x'.repeat(1000), ${port}, '127.0.0.1', next));
      next();`;
      expect(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
      // By then all that waited in the kernel is read.
      await until(() => seen.length > 0);
      await sendUdp(port, line('the last'));
      await until(() => seen.some(({ message }) => message === 'the last'));
      await stop();
      const counted = lost.reduce((sum, { records }) => sum + records, 0);
      expect(lost.map(({ because }) => because)).toEqual(['the kernel had no room for datagrams']);
      expect(counted + seen.length).toBe(count + 1);
    },
  );

  test('what is beyond the bytes of a sender is lost, and counted', async () => {
    const { ports, seen, lost, stop } = await openSyslog(cleanUp, { udp: { port: 0 }, bytesPerSecond: 1024 });
    const [port = 0] = await ports();
    const count = 20;
    const long = Array.from({ length: count }, (_, n) => line(`${n} ${'x'.repeat(900)}`));
    await sendUdp(port, ...long);
    await until(() => seen.length > 0);
    await stop();
    const counted = lost.reduce((sum, { records }) => sum + records, 0);
    expect(counted).toBeGreaterThan(0);
    expect(counted + seen.length).toBeLessThanOrEqual(count);
    expect(lost.map(({ because }) => because)).toEqual(['a sender over UDP sent more than it may in a second']);
  });
});
