import { silentLog } from '../../kernel/log.ts';
import type { ConfiguredSource } from '../../ports/catalogue.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import type { OriginMethod } from '../../ports/origin.ts';
import { canAsk } from '../../ports/source.ts';

type Tools = Pick<CheckTools, 'clock' | 'fetch'>;

/** What is missed where a method cannot be called; the others go with one of these. */
const missed: Partial<Record<OriginMethod, string>> = {
  acknowledge: 'acknowledgements',
  note: 'outcomes as notes',
  report: 'how runs stand',
  resolve: 'resolves',
  silence: 'silences',
  ticket: 'tickets',
};

/**
 * The findings of a source, with what does not work while its origin cannot be asked or told: because the options do not say how, because
 * it refuses, or because nothing answers. Nothing is added for a source that has no such way.
 */
export function tellAsking(source: ConfiguredSource, findings: readonly Finding[], tools: Tools): Finding[] {
  const without = withoutIt(source);
  if (without === null) return [...findings];
  const told = findings.map(one => (one.asks === true && one.state !== 'ok' ? { ...one, without } : one));
  if (told.some(one => one.asks === true) || isSet(source, tools) || source.driver.toAsk === undefined) return told;
  const unset: Finding = {
    what: `the way back to ${source.driver.id}`,
    state: 'warning',
    asks: true,
    because: 'its options do not say how to ask it',
    without,
    remedy: source.driver.toAsk,
  };
  return [...told, unset];
}

/** Makes no request. */
function isSet(source: ConfiguredSource, tools: Tools): boolean {
  const { driver, options } = source;
  const host = { clock: tools.clock, log: silentLog, reach: () => tools.fetch };
  return canAsk(source) || (driver.origin?.(options, host) ?? null) !== null;
}

/** Null for a source whose origin can neither be asked nor told. */
function withoutIt({ driver }: ConfiguredSource): string | null {
  const { look, listFiring, tells = [], start } = driver;
  const lost = tells.flatMap(method => missed[method] ?? []);
  const parts = [
    ...(look === undefined
      ? []
      : [`verify waits for ${start === undefined ? 'the next webhook' : 'what it tells next'}`]),
    ...(listFiring === undefined ? [] : ['a resolve that was lost on the way is never found']),
    ...(lost.length === 0 ? [] : [`it is not told of ${lost.join(', ')}`]),
    ...(tells.includes('onCall') ? ['nobody knows who is on call'] : []),
    ...(tells.includes('page') ? ['who is on call may not be paged'] : []),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}
