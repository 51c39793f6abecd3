/**
 * Encodes a text as a column. Databases cut or replace a NUL and half a surrogate pair, so a text with one is stored as a mark and JSON;
 * any other text is stored as it is. Different texts stay different, so a hostile key cannot pass for another.
 */
export function toColumn(text: string): string {
  return !text.includes('\0') && !text.startsWith(mark) && text.isWellFormed() ? text : mark + JSON.stringify(text);
}

const mark = '\u0001';

/** What toColumn was given. */
export function fromColumn(column: string): string {
  return column.startsWith(mark) ? String(JSON.parse(column.slice(1))) : column;
}
