import type { Finding } from '../../ports/check.ts';
import { familyOf } from './events.ts';
import type { Options } from './options.ts';

/** For `tocsin doctor`: whether anything can fire with these options, and whether what fires can end. */
export async function check(given: Options): Promise<Finding[]> {
  const types = Object.entries(given.types);
  const what = 'the types of events';
  if (types.length === 0 && given.map.state === undefined) {
    return [
      {
        what,
        state: 'warning',
        because: 'neither types nor map.state is set, so every event is a notice and opens no alert',
        remedy: 'Name the types that fire and resolve in types.',
      },
    ];
  }
  if (given.map.state !== undefined) return [{ what, state: 'ok' }];
  const ends = types.filter(([, state]) => state === 'resolved').map(([type]) => familyOf(type));
  const endless = types.filter(([type, state]) => state === 'firing' && !hasEnd(type, ends, given));
  const names = endless.map(([type]) => type).join(', ');
  if (names === '') return [{ what, state: 'ok' }];
  return [
    {
      what,
      state: 'warning',
      because: `nothing resolves what these open: ${names}`,
      remedy:
        'Name the type of its resolve in types. It must differ in its last word only, or map.fingerprint must give both the same identity.',
    },
  ];
}

/** With an identity of its own, any resolve may be the one. */
function hasEnd(type: string, ends: readonly string[], { map }: Options): boolean {
  return map.fingerprint === undefined ? ends.includes(familyOf(type)) : ends.length > 0;
}
