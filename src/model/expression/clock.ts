import { type CelFunc, CelScalar, celMethod, objectType } from '@bufbuild/cel';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { DateTime, FixedOffsetZone } from 'luxon';
import { readZone } from './conversions.ts';
import { spend } from './work.ts';

const timestamp = objectType(TimestampSchema);

/** What the methods of a time tell, by the wall clock of a zone (UTC when none is named). Months and days count from 0 as in CEL. */
const readings: Readonly<Record<string, (local: DateTime) => number>> = {
  getFullYear: local => local.year,
  getMonth: local => local.month - 1,
  getDate: local => local.day,
  getDayOfMonth: local => local.day - 1,
  getDayOfWeek: local => local.weekday % 7,
  getDayOfYear: local => local.ordinal - 1,
  getHours: local => local.hour,
  getMinutes: local => local.minute,
  getSeconds: local => local.second,
  getMilliseconds: local => local.millisecond,
};

/** The methods of a time that take a zone. */
export const zoned: ReadonlySet<string> = new Set(Object.keys(readings));

/** In place of the library's, which read the clock of the host where its zone has a change, and take any zone that Intl takes. */
export const clockCalls: CelFunc[] = Object.entries(readings).flatMap(([name, read]) => [
  celMethod(name, timestamp, [], CelScalar.INT, function () {
    spend(4);
    return BigInt(read(DateTime.fromMillis(millisecondsOf(this), { zone: FixedOffsetZone.utcInstance })));
  }),
  celMethod(name, timestamp, [CelScalar.STRING], CelScalar.INT, function (zone) {
    spend(32);
    return BigInt(read(DateTime.fromMillis(millisecondsOf(this), { zone: readZone(zone) })));
  }),
]);

/** Milliseconds since the epoch, rounded down. */
export function millisecondsOf(value: { message: unknown }): number {
  const { seconds, nanos } = value.message as Timestamp;
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}
