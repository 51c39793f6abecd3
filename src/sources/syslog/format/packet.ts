/** One message as it arrived, with what the listener knows about it. */
export interface Packet {
  transport: 'tcp' | 'tls' | 'udp';
  /** When it arrived, milliseconds since the epoch. */
  at: number;
  /** The address of the sender. */
  peer: string;
  /** The name in the certificate of a sender that has one; else empty. */
  client: string;
  /** True when only its beginning was kept. */
  cut: boolean;
  bytes: Buffer;
}

const transports = ['tcp', 'tls', 'udp'] as const;
const head = 4 + 8 + 1 + 2 + 2;

/** Packets as the bytes of a batch: each with its lengths before it. */
export function packAll(packets: readonly Packet[]): Buffer {
  return Buffer.concat(packets.map(pack));
}

/** How long the packet is among the bytes of a batch, besides its names. */
export function sizeOf({ bytes }: Packet): number {
  return head + bytes.length;
}

function pack({ transport, at, peer, client, cut, bytes }: Packet): Buffer {
  const names = Buffer.from(peer + client);
  const first = Buffer.byteLength(peer);
  const made = Buffer.allocUnsafe(head + names.length + bytes.length);
  made.writeUInt32BE(bytes.length, 0);
  made.writeDoubleBE(at, 4);
  made.writeUInt8(transports.indexOf(transport) * 2 + (cut ? 1 : 0), 12);
  made.writeUInt16BE(first, 13);
  made.writeUInt16BE(names.length - first, 15);
  names.copy(made, head);
  bytes.copy(made, head + names.length);
  return made;
}

/** Takes the bytes of a batch apart, which may come in pieces. */
export function readPackets(take: (packet: Packet) => void): (piece: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return piece => {
    const all = held.length === 0 ? piece : Buffer.concat([held, piece]);
    let at = 0;
    for (;;) {
      const packet = unpack(all.subarray(at));
      if (packet === null) break;
      at += packet.length;
      take(packet.packet);
    }
    held = all.subarray(at);
  };
}

function unpack(bytes: Buffer): { packet: Packet; length: number } | null {
  if (bytes.length < head) return null;
  const size = bytes.readUInt32BE(0);
  const first = bytes.readUInt16BE(13);
  const second = bytes.readUInt16BE(15);
  const length = head + first + second + size;
  if (bytes.length < length) return null;
  const flags = bytes.readUInt8(12);
  const packet: Packet = {
    transport: transports[flags >> 1] ?? 'tcp',
    at: bytes.readDoubleBE(4),
    cut: (flags & 1) === 1,
    peer: bytes.toString('utf8', head, head + first),
    client: bytes.toString('utf8', head + first, head + first + second),
    bytes: bytes.subarray(head + first + second, length),
  };
  return { packet, length };
}
