/** What a person should know before they press Approve. */
export interface Finding {
  kind: 'cut' | 'unknown' | 'scripts' | 'order' | 'near-name' | 'changed' | 'others' | 'secret' | 'voters';
  /** What it is about, without figures that change by themselves: a confirmation holds while the keys are the same. */
  key: string;
  /** A short plain sentence: what and why. It may contain texts of others. */
  text: string;
}

/** Runs that wait for votes besides this one. */
export interface OtherCard {
  runbook: string;
  planHash: string;
  targets: readonly string[];
}

/** `a, b and 3 more`. */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most);
  const left = names.length - shown.length;
  if (left > 0) return `${shown.join(', ')} and ${left} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** A text of others inside a sentence: in quotes, on one line, short. */
export function quoted(text: string, most = 60): string {
  const letters = [...text.slice(0, most * 2).replace(/\s+/g, ' ')];
  return `"${letters.length > most || text.length > most * 2 ? `${letters.slice(0, most).join('')}…` : letters.join('')}"`;
}
