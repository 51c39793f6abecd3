import type { Labels } from './api.ts';

/** The most labels that series are selected by. */
const mostLabels = 30;

/**
 * Pure: the query for those of its series that have these labels; null when there are none to select by. PromQL has no filter behind an
 * expression, so it is met with constants that have the labels.
 */
export function selectSeries(query: string, wanted: readonly Labels[]): string | null {
  const names = [...new Set(wanted.flatMap(labels => Object.keys(labels)))].filter(isPlainName).slice(0, mostLabels);
  if (names.length === 0) return null;
  const constants = wanted.map(labels =>
    names.reduce((inner, name) => withLabel(inner, name, labels[name] ?? ''), 'vector(1)'),
  );
  // The new line ends a comment at the end of the query.
  return `(${query}\n) and on (${names.join(', ')}) (${constants.join(' or ')})`;
}

function isPlainName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && name !== '__name__';
}

/** The value is data: in a replacement, `$` would stand for a part of what was matched. */
function withLabel(inner: string, name: string, value: string): string {
  return `label_replace(${inner}, "${name}", ${JSON.stringify(value.replaceAll('$', '$$$$'))}, "", "")`;
}

/** Labels of an alert as they may be cut or made visible here, which then select nothing: those are left out. */
export function plainLabels(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(
      ([, value]) => value !== '' && value.length <= 200 && !/[\u0000-\u001f\ufffd]/.test(value),
    ),
  );
}
