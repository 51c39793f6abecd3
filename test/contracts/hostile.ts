/** Texts that databases cut, replace or confuse, with a name for the report. All are different. */
export const hostile: [string, string][] = [
  ['empty', ''],
  ['NUL in the middle', 'a\0b'],
  ['NUL at the end', 'a\0'],
  ['what NUL would leave', 'a'],
  ['half a surrogate pair', '\ud800'],
  ['the other half', '\udc00'],
  ['what halves are replaced by', '\ufffd'],
  ['the mark of an escaped text', '\u0001"a\\u0000"'],
  ['quotes and a semicolon', `'; drop table journal; --"`],
  ['an accent in one', '\u00e9'],
  ['an accent in two', 'e\u0301'],
  ['beyond the first plane', '🚒'],
  ['right to left', '\u202Egnp.exe'],
  ['line ends', 'a\r\n\u2028b'],
  ['like a number', '007'],
];
