/** What goes between this process and a spawn helper, over the helper's stdin and stdout. */

/** A program to start. */
export interface Order {
  file: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Descriptors of the process that asks, since none can be sent: the helper opens them again below its /proc. Null: /dev/null. */
  stdin: number | null;
  stdout: number | null;
  stderr: number | null;
  /** The mark of its step (limit-mark.ts); null for none. */
  mark: { soft: number; hard: number } | null;
}

/** What came of an order. */
export interface Spawned {
  pid: number;
  /**
   * Rejects with `spawner-lost` when nobody can say any more how the program ended, and with an Error whose `code` is the system's (ENOENT,
   * E2BIG) when it turned out that it could not be executed.
   */
  exited: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
}

/** `failed`: an error number of the system, and what could not be done. */
export type Report =
  | { kind: 'ready' }
  | { kind: 'started'; id: number; pid: number }
  | { kind: 'failed'; id: number; errno: number }
  | { kind: 'exited'; id: number; exitCode: number | null; signal: number | null };

/**
 * An order as bytes: its length (4 bytes, big-endian), then texts separated by NUL: id, the three descriptors, the two limits, the folder,
 * the number of arguments, the program, its arguments, and `NAME=value` for each variable. None of them can hold a NUL, see checkArgv.
 */
export function encodeOrder(id: number, order: Order): Buffer {
  const { stdin, stdout, stderr, mark, cwd, file, args, env } = order;
  const texts: (string | number)[] = [id, stdin ?? '', stdout ?? '', stderr ?? '', mark?.soft ?? '', mark?.hard ?? ''];
  texts.push(cwd, args.length, file, ...args);
  for (const name of Object.keys(env)) texts.push(`${name}=${env[name]}`);
  const text = texts.join('\0');
  const size = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + size);
  bytes.writeUInt32BE(size);
  bytes.write(text, 4);
  return bytes;
}

/** Takes an order apart; see encodeOrder. */
export function decodeOrder(text: string): { id: number; order: Order } {
  const texts = text.split('\0');
  const [id, stdin = '', stdout = '', stderr = '', soft = '', hard = '', cwd = '/', count, file = ''] = texts;
  const number = (word: string) => (word === '' ? null : Number(word));
  const end = 9 + Number(count);
  const env = texts.slice(end).map(one => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]);
  const mark = soft === '' ? null : { soft: Number(soft), hard: Number(hard) };
  const streams = { stdin: number(stdin), stdout: number(stdout), stderr: number(stderr) };
  return {
    id: Number(id),
    order: { file, args: texts.slice(9, end), cwd, env: Object.fromEntries(env), mark, ...streams },
  };
}

/** Gives the orders in a stream of bytes to `take`, whole. */
export function createOrderReader(take: (text: string) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let size = 0;
  return chunk => {
    parts.push(chunk);
    size += chunk.length;
    for (;;) {
      if (size < 4) return;
      // Joined only when an order is whole, so that a long one is not copied with each chunk.
      if ((parts[0]?.length ?? 0) < 4) parts = [Buffer.concat(parts)];
      const need = 4 + (parts[0]?.readUInt32BE() ?? 0);
      if (size < need) return;
      const all = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      parts = [all.subarray(need)];
      size -= need;
      take(all.toString('utf8', 4, need));
    }
  };
}

/** A report as a line: `r`, `s ID PID`, `f ID ERRNO`, `x ID CODE` or `k ID SIGNAL`. */
export function encodeReport(report: Report): string {
  switch (report.kind) {
    case 'ready':
      return 'r\n';
    case 'started':
      return `s ${report.id} ${report.pid}\n`;
    case 'failed':
      return `f ${report.id} ${report.errno}\n`;
    case 'exited':
      return report.signal === null ? `x ${report.id} ${report.exitCode}\n` : `k ${report.id} ${report.signal}\n`;
  }
}

/** Null for a line that is none. */
export function decodeReport(line: string): Report | null {
  const [kind, first, second] = line.split(' ');
  const [id, value] = [Number(first), Number(second)];
  if (kind === 'r') return { kind: 'ready' };
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(value)) return null;
  if (kind === 's') return { kind: 'started', id, pid: value };
  if (kind === 'f') return { kind: 'failed', id, errno: value };
  if (kind === 'x') return { kind: 'exited', id, exitCode: value, signal: null };
  if (kind === 'k') return { kind: 'exited', id, exitCode: null, signal: value };
  return null;
}
