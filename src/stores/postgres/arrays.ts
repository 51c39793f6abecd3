/** The type numbers of PostgreSQL (pg_type.dat) for the elements that are sent. */
const types = { text: 25, int8: 20, bytea: 17 } as const;

export type ElementType = keyof typeof types;
export type Element = string | number | Uint8Array | null;

/**
 * A one-dimensional array in PostgreSQL's binary format (array_recv): a count, then each element behind its length. The text format
 * would have every quote of every JSON document escaped here and unescaped there, which costs more than the rest of a commit.
 */
export function encodeArray(type: ElementType, elements: readonly Element[]): Buffer {
  const body = elements.map(element => encodeElement(type, element));
  const size = body.reduce((total, bytes) => total + 4 + (bytes?.length ?? 0), 20);
  const out = Buffer.allocUnsafe(size);
  out.writeInt32BE(1, 0);
  out.writeInt32BE(body.includes(null) ? 1 : 0, 4);
  out.writeInt32BE(types[type], 8);
  out.writeInt32BE(elements.length, 12);
  out.writeInt32BE(1, 16);
  let at = 20;
  for (const bytes of body) {
    at = out.writeInt32BE(bytes === null ? -1 : bytes.length, at);
    if (bytes !== null) at += bytes.copy(out, at);
  }
  return out;
}

function encodeElement(type: ElementType, element: Element): Buffer | null {
  if (element === null) return null;
  if (type === 'int8') {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(BigInt(Number(element)));
    return bytes;
  }
  return typeof element === 'string' || typeof element === 'number'
    ? Buffer.from(String(element))
    : Buffer.from(element.buffer, element.byteOffset, element.byteLength);
}
