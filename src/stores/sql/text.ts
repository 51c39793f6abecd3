/**
 * A text as a column: itself, or, when it has a NUL or half of a surrogate pair, which databases cut or replace, its JSON behind a
 * mark. Different texts stay different, so a hostile key cannot pass for another.
 */
export function toColumn(text: string): string {
  return !text.includes('\0') && !text.startsWith(mark) && text.isWellFormed() ? text : mark + JSON.stringify(text);
}

const mark = '\u0001';

/** What toColumn was given. */
export function fromColumn(column: string): string {
  return column.startsWith(mark) ? String(JSON.parse(column.slice(1))) : column;
}
