/** Structured data of RFC 5424, 6.3: the parameters of each element, by its id. One that comes several times is a list. */
export type Structured = Record<string, Record<string, string | string[]>>;

/** Elements, and parameters of each. What is beyond is left out. */
const most = 100;

const name = /[^\s="\]]{1,32}/y;
/** The name and the value; in a value only `"`, `\` and `]` are escaped. */
const parameter = / +([^\s="\]]{1,32})="((?:[^"\\\]]|\\[\s\S])*)"/y;

/** The structured data at the beginning of the text, and the message behind it. What is no structured data belongs to the message. */
export function readStructured(text: string): { structured: Structured; text: string } {
  if (text === '-' || text.startsWith('- ')) return { structured: {}, text: text.slice(2) };
  const elements: [string, Record<string, string | string[]>][] = [];
  let at = 0;
  while (text[at] === '[') {
    const found = readElement(text, at + 1);
    if (found === null) return { structured: {}, text };
    if (elements.length < most) elements.push([found.id, found.parameters]);
    at = found.end;
  }
  if (at === 0 || (at < text.length && text[at] !== ' ')) return { structured: {}, text };
  // `fromEntries` makes own members also of names such as __proto__.
  return { structured: Object.fromEntries(elements), text: text.slice(at + 1) };
}

function readElement(
  text: string,
  at: number,
): { id: string; parameters: Record<string, string | string[]>; end: number } | null {
  name.lastIndex = at;
  const id = name.exec(text)?.[0];
  if (id === undefined) return null;
  const parameters = new Map<string, string | string[]>();
  let end = at + id.length;
  for (;;) {
    parameter.lastIndex = end;
    const found = parameter.exec(text);
    if (found === null) break;
    end += found[0].length;
    add(parameters, found[1] ?? '', (found[2] ?? '').replace(/\\(["\\\]])/g, '$1'));
  }
  return text[end] === ']' ? { id, parameters: Object.fromEntries(parameters), end: end + 1 } : null;
}

function add(parameters: Map<string, string | string[]>, key: string, value: string): void {
  const known = parameters.get(key);
  if (known === undefined) {
    if (parameters.size < most) parameters.set(key, value);
  } else if (typeof known === 'string') parameters.set(key, [known, value]);
  else if (known.length < most) known.push(value);
}
