/**
 * One cell (RFC 4180). A text that begins like a formula gets a `'` before it, because spreadsheets would run it (owasp.org, CSV injection).
 * `always` puts it in quotes also where it needs none.
 */
export function csvCell(value: string | number | boolean | null, quotes: 'always' | 'needed' = 'needed'): string {
  const text = value === null ? '' : String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return quotes === 'always' || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
