/** Shorter secrets are not looked for: they stand in too much honest text. */
export const shortestSecret = 4;
/** From this length on, encoded forms are looked for besides the raw one. */
const shortestEncoded = 6;
/** Lines of a secret of several lines (a private key) that are looked for by themselves. */
const shortestLine = 8;

/**
 * The byte strings that give a secret away: raw, as JSON and shells quote it, URL-encoded, hexadecimal, base64 wherever in a longer
 * text it was encoded. Line breaks are left out of all of them, because the search looks through line breaks.
 */
export function formsOf(secret: string): Buffer[] {
  const value = secret.trim();
  if (value.length < shortestSecret) return [];
  const texts = [value, ...quoted(value)];
  if (value.includes('\n'))
    texts.push(...value.split('\n').flatMap(line => (line.trim().length < shortestLine ? [] : [line.trim()])));
  if (value.length >= shortestEncoded)
    texts.push(...urlForms(value), ...hexForms(value), ...base64Forms(Buffer.from(value)));
  const unbroken = texts.map(text => text.replace(/[\r\n]/g, ''));
  return [...new Set(unbroken)].filter(text => text.length >= shortestSecret).map(text => Buffer.from(text));
}

function quoted(value: string): string[] {
  return [JSON.stringify(value).slice(1, -1), value.replaceAll("'", `'\\''`), value.replaceAll('"', '\\"')];
}

function urlForms(value: string): string[] {
  // A lone surrogate has no URL form.
  const upper = encodeURIComponent(value.toWellFormed());
  const strict = upper.replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return [upper, strict].flatMap(form => {
    const lower = form.replace(/%[0-9A-F]{2}/g, code => code.toLowerCase());
    return [form, lower, form.replaceAll('%20', '+'), lower.replaceAll('%20', '+')];
  });
}

function hexForms(value: string): string[] {
  const lower = Buffer.from(value).toString('hex');
  return [lower, lower.toUpperCase()];
}

/**
 * The three alignments that the secret may have within what was encoded. Characters that also depend on its neighbours are left out; for
 * the first alignment the ending with and without padding is there too. A tool that breaks lines may do so within the first characters,
 * where the search does not look through breaks: so each form also starts a little later.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms = [bytes.toString('base64'), bytes.toString('base64').replace(/=+$/, '')];
  for (let before = 0; before < 3; before++) {
    const length = before + bytes.length;
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const core = text.slice(before === 0 ? 0 : before + 1, length % 3 === 0 ? undefined : -1);
    for (let late = 0; late <= breakDepth; late++)
      if (core.length - late >= shortestEncoded) forms.push(core.slice(late));
  }
  return forms.flatMap(form => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** A line break within a form is looked through once this many bytes of it were met. */
export const breakDepth = 4;

/**
 * An Aho-Corasick automaton over all forms: one pass over the text, whatever the number of secrets. Children of a node are a linked list,
 * because most nodes have one; the root has a table.
 */
export interface Automaton {
  /** By byte: the node after it at the root; 0 is the root. */
  root: Int32Array;
  byte: Uint8Array;
  child: Int32Array;
  sibling: Int32Array;
  fail: Int32Array;
  depth: Int32Array;
  /** The length of the longest form that ends at a node; 0 for none. */
  ends: Int32Array;
}

export function buildAutomaton(forms: readonly Buffer[]): Automaton {
  const size = forms.reduce((sum, form) => sum + form.length, 1);
  const made: Automaton = {
    root: new Int32Array(256),
    byte: new Uint8Array(size),
    child: new Int32Array(size),
    sibling: new Int32Array(size),
    fail: new Int32Array(size),
    depth: new Int32Array(size),
    ends: new Int32Array(size),
  };
  let count = 1;
  for (const form of forms) {
    let node = 0;
    for (const byte of form) {
      let next = step(made, node, byte);
      if (next === 0) {
        next = count++;
        made.byte[next] = byte;
        made.depth[next] = (made.depth[node] ?? 0) + 1;
        if (node === 0) made.root[byte] = next;
        made.sibling[next] = made.child[node] ?? 0;
        made.child[node] = next;
      }
      node = next;
    }
    made.ends[node] = form.length;
  }
  linkFailures(made, count);
  return made;
}

/** The child of a node by a byte; 0 when it has none. */
export function step(made: Automaton, node: number, byte: number): number {
  if (node === 0) return made.root[byte] ?? 0;
  let next = made.child[node] ?? 0;
  while (next !== 0 && made.byte[next] !== byte) next = made.sibling[next] ?? 0;
  return next;
}

/** Breadth first: a node's failure link is shallower, so it is known already. */
function linkFailures(made: Automaton, count: number): void {
  const queue = new Int32Array(count);
  let [head, tail] = [0, 0];
  for (const next of made.root) if (next !== 0) queue[tail++] = next;
  while (head < tail) {
    const node = queue[head++] ?? 0;
    for (let next = made.child[node] ?? 0; next !== 0; next = made.sibling[next] ?? 0) {
      const byte = made.byte[next] ?? 0;
      let back = made.fail[node] ?? 0;
      while (back !== 0 && step(made, back, byte) === 0) back = made.fail[back] ?? 0;
      made.fail[next] = step(made, back, byte);
      if (made.ends[next] === 0) made.ends[next] = made.ends[made.fail[next] ?? 0] ?? 0;
      queue[tail++] = next;
    }
  }
}
