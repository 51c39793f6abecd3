/** What Monit says of one test of a service: which test it is, and whether it fails. */
interface Test {
  name: string;
  state: 'firing' | 'resolved';
}

/** Those that are called otherwise than the test with a word behind it. */
const special: Readonly<Record<string, Test>> = {
  'does not exist': { name: 'existence', state: 'firing' },
  exists: { name: 'existence', state: 'resolved' },
  // Of a test `if exist`.
  'does exist': { name: 'presence', state: 'firing' },
  'exists not': { name: 'presence', state: 'resolved' },
  'invalid type': { name: 'type', state: 'firing' },
  timeout: { name: 'timeout', state: 'firing' },
  'timeout recovery': { name: 'timeout', state: 'resolved' },
  'program started': { name: 'program start', state: 'resolved' },
  'process is a zombie': { name: 'zombie check', state: 'firing' },
};

const failing = / (failed|matched limit|matched|exceeded|detected|down|error)$/;
const well = / (succeeded|ok|up)$/;

/**
 * The test behind a MONIT_EVENT. Null for what changed (`Checksum changed`, `Content match`), for an action, and for what is not known:
 * of those nothing tells an end. Source: the table of events in src/event.c of Monit 5.33 and 6.1.
 */
export function testOf(event: string): Test | null {
  const text = event.trim().toLowerCase();
  if (Object.hasOwn(special, text)) return special[text] ?? null;
  if (failing.test(text)) return { name: text.replace(failing, ''), state: 'firing' };
  return well.test(text) ? { name: text.replace(well, ''), state: 'resolved' } : null;
}
