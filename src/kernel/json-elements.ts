/**
 * The elements of a text that is one JSON array, parsed one by one, so that the caller can pause between them: a list of thousands would
 * block the loop as a whole. Throws a SyntaxError for a text that is no array, and for one that is cut, after the elements before the fault.
 */
export function* jsonElements(text: string): Generator<unknown> {
  let at = skipSpace(text, 0);
  if (text[at] !== '[') throw new SyntaxError('it is no JSON array');
  at = skipSpace(text, at + 1);
  if (text[at] !== ']') {
    for (;;) {
      const end = endOfElement(text, at);
      yield JSON.parse(text.slice(at, end));
      if (text[end] === ']') {
        at = end;
        break;
      }
      at = end + 1;
    }
  }
  if (skipSpace(text, at + 1) < text.length) throw new SyntaxError('there is more after the end of the JSON array');
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '')) at++;
  return at;
}

/** Where the comma or bracket stands that ends the element. What is between is checked when it is parsed. */
function endOfElement(text: string, from: number): number {
  // Outside of texts only these matter; a text is passed in one step.
  const marks = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},"]/gs;
  marks.lastIndex = from;
  let depth = 0;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    const mark = found[0];
    if (mark === '"') break;
    if (depth === 0 && (mark === ',' || mark === ']')) return found.index;
    if (mark === '[' || mark === '{') depth++;
    if (mark === ']' || mark === '}') depth--;
    if (depth < 0) break;
  }
  throw new SyntaxError('the JSON array is cut');
}
