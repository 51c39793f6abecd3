/** Shorter secrets are not looked for: they occur in too much ordinary text. Characters. */
export const shortestSecret = 4;
/** From this length on, encoded forms are looked for as well as the raw one. */
const shortestEncoded = 6;
/** The shortest line of a multi-line secret (a private key) that is also looked for by itself. */
const shortestLine = 8;

/**
 * The byte strings in which a secret may occur: raw, quoted for JSON and shells, URL-encoded, in hex, and in base64 at any alignment within
 * a longer encoded text. All are without line breaks, because the search ignores line breaks. Empty for secrets under four characters.
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
 * Base64 at the three alignments that the secret may have in the encoded data. Characters that also depend on neighbouring bytes are left
 * out; the first alignment is also there whole, with and without padding. The search does not match across a line break in the first
 * `breakDepth` bytes of a form, so each form is added again from up to that many characters later.
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

/** A line break within a form is ignored once this many bytes of the form have matched. */
export const breakDepth = 4;

/**
 * An Aho-Corasick automaton over all forms: one pass over the text for any number of secrets. The children of a node are a linked list,
 * because most nodes have one child; the root has a table.
 */
export interface Automaton {
  /** The root's children, by byte; 0 (the root itself) means none. */
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

/** Sets the failure links breadth first: the link of a node points to a shallower node, whose own link is set already. */
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
