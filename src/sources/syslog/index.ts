import { TocsinError } from '../../kernel/errors.ts';
import { compileRecords, type RecordsSpec } from '../../model/records/records.ts';
import type { EmitTools } from '../../ports/emit.ts';
import { defineSource, type OptionWarning } from '../../ports/source.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { syslogFormat } from './format/format.ts';
import { createPace } from './listen/pace.ts';
import { createQueue } from './listen/queue.ts';
import { listenTcp, listenTls } from './listen/tcp.ts';
import { listenUdp } from './listen/udp.ts';
import { admission, isLoopback, isProven, type Options, options } from './options.ts';

export default defineSource<Options>({
  id: 'syslog',
  about:
    'Listens for syslog (RFC 5424 and RFC 3164) over TCP, TLS and UDP. Rules under `detect` make alerts of the messages; the messages themselves are not kept.',
  options,
  examples,
  verify: () => ({ ok: false, because: 'syslog takes no deliveries' }),
  normalise() {
    throw new TocsinError('bad-body', { message: 'Syslog takes no deliveries.' });
  },
  timing: () => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY }),
  records: specOf,
  proven: isProven,
  warnings,
  check,
  start,
});

const made = new WeakMap<Options, RecordsSpec>();

/** Kept by the object of the options: it is asked for with each batch. */
function specOf(given: Options): RecordsSpec {
  const known = made.get(given);
  if (known !== undefined) return known;
  const { late, detect } = given;
  const spec = compileRecords({ format: 'syslog', late, detect }, syslogFormat(given));
  made.set(given, spec);
  return spec;
}

async function start(given: Options, tools: EmitTools): Promise<() => Promise<void>> {
  const queue = createQueue(tools);
  const common = {
    clock: tools.clock,
    log: tools.log,
    lost: tools.lost,
    queue,
    pace: createPace(given.bytesPerSecond, tools.clock),
    admits: admission(given.senders),
    limits: given,
  };
  const bound = await Promise.all([
    ...(given.tcp === undefined ? [] : [listenTcp(given.tcp, common)]),
    ...(given.tls === undefined ? [] : [listenTls(given.tls, common)]),
    ...(given.udp === undefined ? [] : [listenUdp(given.udp, common)]),
  ]);
  return async () => {
    await Promise.all(bound.map(one => one.stop()));
    await queue.stop();
  };
}

function warnings({ tcp, tls, udp }: Options): OptionWarning[] {
  const found: OptionWarning[] = [];
  const open = (at: 'tcp' | 'udp', what: string) =>
    found.push({ at: [at, 'host'], what, allowed: 'tls with clientCa, or 127.0.0.1' });
  if (tcp !== undefined && !isLoopback(tcp.host))
    open('tcp', 'everybody who reaches the port can send and read along, so no alert of it leads to `auto`');
  if (udp !== undefined && !isLoopback(udp.host))
    open('udp', 'everybody can send, also under another address, so no alert of it leads to `auto`');
  if (tls !== undefined && tls.clientCa === undefined && !isLoopback(tls.host))
    found.push({
      at: ['tls'],
      what: 'everybody who reaches the port can send, so no alert of it leads to `auto`',
      allowed: 'clientCa, which asks senders for a certificate',
    });
  return found;
}
