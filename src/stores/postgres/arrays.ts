/** PostgreSQL's type OIDs (pg_type.dat) of the elements that are sent. */
const types = { text: 25, int8: 20, bytea: 17 } as const;

export type ElementType = keyof typeof types;
export type Element = string | number | Uint8Array | null;

/**
 * Encodes a one-dimensional array in PostgreSQL's binary format (array_recv): a count, then each element after its length in bytes. The
 * text format would escape and unescape every quote of every JSON document, which costs more than the rest of a commit.
 */
export function encodeArray(type: ElementType, elements: readonly Element[]): Buffer {
  let size = 20;
  let nulls = 0;
  for (const element of elements) {
    size += 4 + sizeOf(type, element);
    if (element === null) nulls = 1;
  }
  const out = Buffer.allocUnsafe(size);
  out.writeInt32BE(1, 0);
  out.writeInt32BE(nulls, 4);
  out.writeInt32BE(types[type], 8);
  out.writeInt32BE(elements.length, 12);
  out.writeInt32BE(1, 16);
  let at = 20;
  for (const element of elements) at = writeElement(type, element, out, at);
  return out;
}

function sizeOf(type: ElementType, element: Element): number {
  if (element === null) return 0;
  if (type === 'int8') return 8;
  return typeof element === 'object' ? element.byteLength : Buffer.byteLength(String(element));
}

/** Writes an element in place, because a buffer for each would be copied once more. Returns the offset of the next element. */
function writeElement(type: ElementType, element: Element, out: Buffer, at: number): number {
  const begin = at + 4;
  if (element === null) return out.writeInt32BE(-1, at);
  if (type === 'int8') {
    out.writeInt32BE(8, at);
    return out.writeBigInt64BE(BigInt(Number(element)), begin);
  }
  const length = sizeOf(type, element);
  out.writeInt32BE(length, at);
  if (typeof element === 'object') out.set(element, begin);
  else out.write(String(element), begin, length);
  return begin + length;
}
