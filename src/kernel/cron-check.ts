/** Why a text is no cron pattern, told so that it can be mended: which part, what is allowed there, and the nearest word. */
import { createTask, validateDetailed } from 'node-cron';
import { daysOf, impossible, neverDue } from './cron.ts';
import { nearest } from './nearest.ts';

export interface CronFault {
  message: string;
  allowed: string;
  nearest: string | null;
  /** Where in the pattern, in characters. */
  offset: number;
}

interface Field {
  name: string;
  from: number;
  to: number;
  words: readonly string[];
  /** Forms besides numbers, names, ranges, lists and steps. */
  more?: { form: RegExp; about: string };
}

const monthNames = 'january february march april may june july august september october november december'.split(' ');
const dayNames = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');
const short = (names: readonly string[]) => names.map(name => name.slice(0, 3));

const fields: readonly Field[] = [
  { name: 'second', from: 0, to: 59, words: [] },
  { name: 'minute', from: 0, to: 59, words: [] },
  { name: 'hour', from: 0, to: 23, words: [] },
  {
    name: 'day-of-month',
    from: 1,
    to: 31,
    words: [],
    more: { form: /^(\?|L|LW|L-\d{1,2}|\d{1,2}W)$/i, about: 'L for the last day, 15W for the working day next to it' },
  },
  { name: 'month', from: 1, to: 12, words: [...short(monthNames), ...monthNames] },
  {
    name: 'day-of-week',
    from: 0,
    to: 7,
    words: [...short(dayNames), ...dayNames],
    more: {
      form: /^(\?|L|([0-7]|[a-z]{3,9})(L|#[1-5]))$/i,
      about: '5L for the last Friday, 1#2 for the second Monday',
    },
  },
];

const nicknames = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/** Null for a pattern that `openCron` takes and that is due at some time; else what is wrong first. */
export function cronFault(pattern: string): CronFault | null {
  const text = pattern.trim();
  if (text.startsWith('@')) return nicknames.includes(text.toLowerCase()) ? null : badNickname(text);
  const parts = [...pattern.matchAll(/\S+/g)];
  if (parts.length !== 5 && parts.length !== 6) return badCount(parts.length);
  for (const [index, part] of parts.entries()) {
    const field = fields[index + (6 - parts.length)];
    const fault = field === undefined ? null : faultOfField(part[0], field);
    if (fault !== null) return { ...fault, offset: part.index + fault.offset };
  }
  return whatLibrarySays(pattern) ?? (neverDue(pattern) ? never(pattern) : null);
}

function badNickname(text: string): CronFault {
  const near = nearest(text, nicknames);
  return { message: `there is no "${text}"`, allowed: nicknames.join(', '), nearest: near, offset: 0 };
}

function badCount(count: number): CronFault {
  return {
    message: `a pattern has five fields, or six with seconds before them; this has ${count}`,
    allowed: 'minute hour day-of-month month day-of-week, for example 0 3 * * *',
    nearest: null,
    offset: 0,
  };
}

function faultOfField(text: string, field: Field): CronFault | null {
  let offset = 0;
  for (const item of text.split(',')) {
    const fault = faultOfItem(item, field);
    if (fault !== null) return { ...fault, offset: offset + fault.offset };
    offset += item.length + 1;
  }
  return null;
}

function faultOfItem(item: string, field: Field): CronFault | null {
  const allowed = allowedIn(field);
  const told = (message: string, near: string | null = null, offset = 0): CronFault => ({
    message: `${field.name}: ${message}`,
    allowed,
    nearest: near,
    offset,
  });
  if (field.more?.form.test(item)) return null;
  const [range = '', step, ...rest] = item.split('/');
  if (range === '' || rest.length > 0) return told(`"${item}" is not one of its forms`);
  const ends = range === '*' ? [field.from, field.name === 'day-of-week' ? 6 : field.to] : [];
  for (const word of range === '*' ? [] : range.split('-')) {
    const value = numberOf(word, field);
    if (value === null) return told(`"${word}" is not in it`, nearest(word, field.words), item.indexOf(word));
    ends.push(value);
  }
  if (ends.length > 2) return told(`"${item}" is not one of its forms`);
  if (step === undefined) return null;
  if (range !== '*' && ends.length < 2) return told(`a step needs a range: ${range}-${field.to}/${step}`);
  const most = sizeOf(ends, field);
  if (/^[1-9]\d{0,3}$/.test(step) && Number(step) <= most) return null;
  return {
    ...told(`the step ${step} is not within what it steps over`, null, range.length + 1),
    allowed: `a step from 1 to ${most}`,
  };
}

/** How many values a range has; one that ends before it begins goes over the end of the field. */
function sizeOf([first = 0, last = first]: readonly number[], field: Field): number {
  const all = field.name === 'day-of-week' ? 7 : field.to - field.from + 1;
  return last >= first ? last - first + 1 : last - first + 1 + all;
}

function numberOf(word: string, field: Field): number | null {
  if (/^\d{1,2}$/.test(word)) {
    const value = Number(word);
    return value >= field.from && value <= field.to ? value : null;
  }
  const at = field.words.indexOf(word.toLowerCase());
  return at < 0 ? null : (at % (field.words.length / 2)) + field.from;
}

function allowedIn({ from, to, words, more }: Field): string {
  const [first, second] = words;
  const names = first === undefined || second === undefined ? '' : `, or ${first}, ${second}, ...`;
  return `${from} to ${to}${names}, *, lists 1,2, ranges 1-5, steps */2 or 1-5/2${more === undefined ? '' : `, ${more.about}`}`;
}

/** What the library refuses beyond our own checks, in its words: of days of which either is enough it is asked about each. */
function whatLibrarySays(pattern: string): CronFault | null {
  const faults = daysOf(pattern).map(part => whatLibrarySaysOf(part, pattern));
  return faults.find(fault => fault !== null) ?? null;
}

function whatLibrarySaysOf(part: string, pattern: string): CronFault | null {
  const checked = validateDetailed(part);
  const found = checked.valid ? undefined : checked.errors[0];
  if (found !== undefined && impossible.test(found.message)) return never(pattern);
  if (found !== undefined)
    return { message: `${found.field}: ${found.message}`, allowed: '0 3 * * *, for example', nearest: null, offset: 0 };
  try {
    void createTask(part, () => {}, { timezone: 'UTC' }).destroy();
    return null;
  } catch (error) {
    return { message: String(error), allowed: '0 3 * * *, for example', nearest: null, offset: 0 };
  }
}

function never(pattern: string): CronFault {
  const parts = [...pattern.matchAll(/\S+/g)];
  const at = parts.at(-3)?.index ?? 0;
  return {
    message: 'no day is ever like this, so that it never ticks',
    allowed: 'a day that one of its months has',
    nearest: null,
    offset: at,
  };
}
