/** Labels that an alert must have, or must not have: `service=checkout,severity!=info`. */
export interface Selector {
  /** A label that is missing reads as the empty text. */
  selects(labels: Readonly<Record<string, string>>): boolean;
}

const most = 20;

/** Parses `name=value` and `name!=value` with commas between, all of which must hold; the empty text selects everything. Throws an Error. */
export function parseSelector(text: string): Selector {
  const clauses = text.trim() === '' ? [] : text.split(',').map(clauseOf);
  if (clauses.length > most) throw new Error(`a selector has at most ${most} labels`);
  return {
    selects: labels =>
      clauses.every(
        ({ name, value, equal }) => (Object.hasOwn(labels, name) ? labels[name] === value : value === '') === equal,
      ),
  };
}

function clauseOf(text: string): { name: string; value: string; equal: boolean } {
  const found = /^\s*([A-Za-z_][A-Za-z0-9_.\-/]*)\s*(!?=)([^=~].*|)$/.exec(text);
  const [, name, sign, value = ''] = found ?? [];
  if (name === undefined) throw new Error(`"${text.trim()}" selects no label; write service=checkout,severity!=info`);
  return { name, value: value.trim(), equal: sign === '=' };
}
