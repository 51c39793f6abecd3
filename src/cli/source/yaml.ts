import { isDeepStrictEqual } from 'node:util';
import { isMap, parseDocument, stringify } from 'yaml';
import { TocsinError } from '../../kernel/errors.ts';

/**
 * The text of tocsin.yaml with one more source. Every other character stays, comments too, where `sources:` is written in lines; a map in
 * braces is written anew. Throws `file-invalid` when the text does not parse, and `conflict` when the name is taken.
 */
export function withSource(text: string, file: string, name: string, options: object): string {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined)
    throw new TocsinError('file-invalid', {
      at: `${file}:${error.linePos?.[0].line ?? 1}:${error.linePos?.[0].col ?? 1}`,
      message: 'The file cannot be read, so nothing was added.',
      remedy: 'tocsin check says what is wrong.',
    });
  if (document.hasIn(['sources', name]))
    throw new TocsinError('conflict', {
      message: 'There is a source of this name already.',
      at: `${file}: sources.${name}`,
      given: name,
      remedy: 'Give another name: tocsin source add <type> <name>.',
    });
  const lines = stringify({ [name]: options }, { lineWidth: 0 });
  const added = insert(document, text, lines) ?? rewrite(document, name, options);
  // Whatever way it was written, it must mean the old file and the source.
  const before = (document.contents === null ? {} : parseDocument(text).toJS()) as { sources?: object | null };
  const wanted = { ...before, sources: { ...before.sources, [name]: options } };
  if (!isDeepStrictEqual(parseDocument(added).toJS(), wanted))
    throw new TocsinError('file-invalid', {
      at: file,
      message: 'The source could not be added without changing something else.',
      remedy: `Add it by hand under sources:\n${lines}`,
    });
  return added;
}

/** Below the line of `sources:`, or at the end of a file without it; null where it is not written in lines. */
function insert(document: ReturnType<typeof parseDocument>, text: string, lines: string): string | null {
  const whole = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  if (document.contents === null || !document.has('sources')) return `${whole}sources:\n${indent(lines, 2)}`;
  const { contents } = document;
  const sources = document.get('sources', true);
  if (!isMap(contents) || contents.flow === true || !isMap(sources) || sources.flow === true) return null;
  const first = sources.items[0]?.key as { range?: [number, number, number] } | undefined;
  const key = contents.items.map(item => item.key as { value?: unknown; range?: [number, number, number] });
  const at = key.find(one => one.value === 'sources')?.range?.[0];
  const start = first?.range?.[0];
  if (at === undefined || start === undefined) return null;
  const column = start - (whole.lastIndexOf('\n', start - 1) + 1);
  const next = whole.indexOf('\n', at) + 1;
  // `sources: name:` on one line is no map in lines.
  return next === 0 || next > start ? null : whole.slice(0, next) + indent(lines, column) + whole.slice(next);
}

function rewrite(document: ReturnType<typeof parseDocument>, name: string, options: object): string {
  const changed = document.clone() as typeof document;
  if (!isMap(changed.get('sources', true))) changed.set('sources', changed.createNode({}));
  changed.setIn(['sources', name], changed.createNode(options));
  return changed.toString({ lineWidth: 0 });
}

function indent(lines: string, columns: number): string {
  return lines.replace(/^(?=.)/gm, ' '.repeat(columns));
}
