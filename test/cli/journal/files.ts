import { entryHash, genesis } from '../../../src/model/journal.ts';

/** One entry of a journal that verifies, as `audit export` writes it. */
export interface Row {
  seq: number;
  stream: string;
  kind: string;
  bytes: string;
  prev: string;
  hash: string;
}

/** Texts that are written in ways of their own somewhere between an entry, its JSON and the line of a file. */
export const oddTexts = [
  'plain',
  '',
  'a "quoted" word and a back\\slash at the end\\',
  'lines\r\nof\ttext\u0000\u001f\u007f',
  'Größe 測試 🙂 \u2028 \u2029 \ufeff \ufffd',
  'half of a pair \ud83d, and the other \ude42',
  '\\\\\\" \\u0041 \\n',
  'x'.repeat(300),
];

/** A chain of entries with these texts. */
export function rowsOf(texts: readonly string[]): Row[] {
  let prev = genesis;
  return texts.map((text, index) => {
    const seq = index + 1;
    const stream = `alert/alt_${index}`;
    const bytes = JSON.stringify({ stream, v: 2, at: 1000 + index, fact: { kind: 'alert.noted', text } });
    const hash = entryHash(prev, seq, bytes);
    const row = { seq, stream, kind: 'alert.noted', bytes, prev, hash };
    prev = hash;
    return row;
  });
}

/** The hashes of all rows from this one on made anew, so that only what was changed before is wrong. */
export function rehashed(rows: readonly Row[], from: number): Row[] {
  let prev = rows[from - 1]?.hash ?? genesis;
  return rows.map((row, index) => {
    if (index < from) return row;
    const hash = entryHash(prev, row.seq, row.bytes);
    const made = { ...row, prev, hash };
    prev = hash;
    return made;
  });
}

/** The entry as `audit export` writes it when no process runs. */
export function asStored({ seq, stream, kind, bytes, prev, hash }: Row): string {
  return JSON.stringify({ seq, kind, bytes, prev, hash, stream, position: 7 });
}

export const linesOfRows = (rows: readonly Row[]): string => rows.map(row => `${JSON.stringify(row)}\n`).join('');

/** Other ways to write the same entry. All are accepted, whatever else stands in the line. */
export const spellings: readonly ((row: Row) => string)[] = [
  row => JSON.stringify(row),
  row =>
    JSON.stringify({
      hash: row.hash,
      prev: row.prev,
      bytes: row.bytes,
      kind: row.kind,
      stream: row.stream,
      seq: row.seq,
    }),
  row => JSON.stringify({ ...row, version: 2, fact: { hash: 'x' } }),
  row => JSON.stringify(row, null, 1).replaceAll('\n', ' '),
  row => `  ${JSON.stringify(row)}\t`,
  row => JSON.stringify(row).replace('{', '{"seq":0,"bytes":"another",'),
  row => JSON.stringify(row).replaceAll('a', '\\u0061'),
  row => JSON.stringify(row).replaceAll('/', '\\/'),
  row => JSON.stringify(row).replace(`"seq":${row.seq},`, `"seq":${row.seq}.0,`),
  row => JSON.stringify({ ...row, kind: 'other', stream: 'né "' }),
];
