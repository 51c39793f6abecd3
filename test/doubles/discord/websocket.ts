import { createHash } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** One connection of a client, as far as a gateway needs it: whole text messages, and a close with a code. */
export interface Peer {
  path: string;
  send(text: string): void;
  /** Closes in order, with a code as platforms use them. */
  close(code: number, reason?: string): void;
  /** Cuts the line without a word. */
  drop(): void;
  onText: (text: string) => void;
  onClose: (code: number) => void;
}

/** Takes WebSocket upgrades of a server (RFC 6455): text frames up to 64 KB that are not fragmented, which is all that the SDKs send. */
export function acceptSockets(server: Server, accept: (peer: Peer) => void): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const key = request.headers['sec-websocket-key'] ?? '';
    const proof = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`,
    );
    accept(createPeer(request.url ?? '/', socket));
  });
}

const opcode = { text: 1, close: 8, ping: 9, pong: 10 } as const;

function createPeer(path: string, socket: Socket): Peer {
  let pending = Buffer.alloc(0);
  let closed = false;
  const end = (code: number) => {
    if (closed) return;
    closed = true;
    peer.onClose(code);
  };
  const peer: Peer = {
    path,
    send: text => void (closed || socket.write(frame(opcode.text, Buffer.from(text)))),
    close(code, reason = '') {
      if (closed) return;
      const body = Buffer.alloc(2);
      body.writeUInt16BE(code);
      socket.end(frame(opcode.close, Buffer.concat([body, Buffer.from(reason)])));
      end(code);
    },
    drop() {
      socket.destroy();
      end(1006);
    },
    onText: () => {},
    onClose: () => {},
  };
  const take = (kind: number, body: Buffer) => {
    if (kind === opcode.text) peer.onText(body.toString('utf8'));
    if (kind === opcode.ping) socket.write(frame(opcode.pong, body));
    if (kind !== opcode.close || closed) return;
    socket.end(frame(opcode.close, body));
    end(body.length >= 2 ? body.readUInt16BE(0) : 1005);
  };
  socket.on('data', chunk => {
    pending = Buffer.concat([pending, chunk]);
    for (let next = readFrame(pending); next !== null; next = readFrame(pending)) {
      pending = pending.subarray(next.size);
      take(next.kind, next.body);
    }
  });
  // Upgraded sockets stay half open by themselves: a process that was killed says no more than this.
  socket.on('end', () => peer.drop());
  socket.on('error', () => end(1006));
  socket.on('close', () => end(1006));
  return peer;
}

function frame(kind: number, body: Buffer): Buffer {
  const head =
    body.length < 126
      ? Buffer.from([0x80 | kind, body.length])
      : body.length < 65_536
        ? Buffer.from([0x80 | kind, 126, body.length >> 8, body.length & 255])
        : Buffer.concat([Buffer.from([0x80 | kind, 127]), bigLength(body.length)]);
  return Buffer.concat([head, body]);
}

function bigLength(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

/** The first whole frame; null while it has not arrived. Clients mask what they send. */
function readFrame(bytes: Buffer): { kind: number; body: Buffer; size: number } | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] ?? 0) & 127;
  const head = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < head + 4) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const size = head + 4 + length;
  if (bytes.length < size) return null;
  const mask = bytes.subarray(head, head + 4);
  const body = Buffer.from(bytes.subarray(head + 4, size).map((byte, i) => byte ^ (mask[i & 3] ?? 0)));
  return { kind: (bytes[0] ?? 0) & 15, body, size };
}
