import type { Alert } from '../../model/alert.ts';
import type { Labels } from '../../model/event.ts';

/** How much of labels is searched: of one value, and how many labels. A sender may send megabytes. */
const longestValue = 500;
const longestName = 200;
const mostLabels = 100;

/** What alerts are searched by, beside what they are found by. It is a copy: the document stays as it is. */
export function searchColumns(alert: Alert) {
  return {
    severity: alert.severity,
    starts_at: alert.startsAt,
    last_seen: alert.lastSeen,
    acked: alert.acknowledgedBy === null ? 0 : 1,
    title: foldCase(alert.title.slice(0, longestValue)),
    labels: labelText(alert.labels),
    found: alert.version,
  };
}

/**
 * Labels as one text with a line for each, `\nname=value\n`, so that both databases find one by the same plain search. A line break, a
 * backslash, and an `=` in a name are escaped, and what databases cannot keep is replaced.
 */
export function labelText(labels: Labels): string {
  const lines = Object.entries(labels)
    .filter(([name, value]) => value !== '' && name.length <= longestName)
    .slice(0, mostLabels)
    .map(([name, value]) => `${escapeName(name)}=${escapeValue(value)}`);
  // The line breaks between two labels belong to both of them: what begins at a line ends at one.
  return lines.length === 0 ? '' : `\n${lines.join('\n\n')}\n`;
}

/** The lines of `labelText` of a label with this value. */
export function labelLine(name: string, value: string): string {
  return `${labelBegin(name)}${escapeValue(value)}\n`;
}

/** The beginning of the line of a label. */
export function labelBegin(name: string): string {
  return `\n${escapeName(name)}=`;
}

/** The value as it was in the labels, cut as they are. */
export function fromLabelText(text: string): string {
  return text.replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char));
}

/** A text as it stands in labels, and as it stands in titles and in labels whose case was folded. */
export function textParts(text: string): { exact: string; folded: string; title: string } {
  const exact = escapeText(text);
  return { exact, folded: foldCase(exact), title: foldCase(text) };
}

function escapeName(name: string): string {
  return escapeText(name).replaceAll('=', '\\=');
}

function escapeValue(value: string): string {
  return escapeText(value.slice(0, longestValue));
}

function escapeText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd').replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** Letters outside of ASCII too, which not both databases fold. */
function foldCase(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd').toLowerCase();
}
