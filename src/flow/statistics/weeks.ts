import { DateTime } from 'luxon';

/** The week by the wall clock of the zone: from Monday 00:00, milliseconds since the epoch; `day` is that Monday. */
export function weekOf(at: number, zone: string): { from: number; until: number; zone: string; day: string } {
  const start = DateTime.fromMillis(at, { zone }).startOf('week');
  return {
    from: start.toMillis(),
    until: start.plus({ weeks: 1 }).toMillis(),
    zone,
    day: start.toFormat('yyyy-MM-dd'),
  };
}

/** `<weekday>-<hour>`, Monday is 1. */
export function hourOf(at: number, zone: string): string {
  const local = DateTime.fromMillis(at, { zone });
  return `${local.weekday}-${local.hour}`;
}
