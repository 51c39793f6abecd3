import {
  boundEpisodes,
  type OpenEpisode,
  type OpenEpisodes,
  partOfAlert,
} from '../../model/statistics/open-episodes.ts';
import { boundWeek, entryOf, type HourCounts, newWeek, noHour, type WeekFigures } from '../../model/statistics/week.ts';
import type { Row, Store } from '../../ports/store.ts';
import { hourOf, weekOf } from './weeks.ts';

/** The documents that a batch of entries changes, read once and written together with the cursor. */
export interface WorkingSet {
  week(at: number): Promise<WeekFigures>;
  hour(at: number): Promise<HourCounts>;
  /** The episode, when it is counted. */
  episode(alert: string, episode: number): Promise<OpenEpisode | null>;
  /** The newest episode of the alert that is counted. */
  newest(alert: string): Promise<OpenEpisode | null>;
  open(one: OpenEpisode): Promise<void>;
  /** What has changed, with the versions raised. */
  rows(now: number): Row[];
}

/** A week keeps the zone that it began in, so a zone that is changed in the middle of it cuts no week in two. */
export function createWorkingSet(store: Pick<Store, 'document' | 'documents'>, zone: string): WorkingSet {
  const weeks = new Map<string, WeekFigures>();
  const parts = new Map<string, OpenEpisodes>();

  async function week(at: number): Promise<WeekFigures> {
    const inMemory = [...weeks.values()].find(one => one.from <= at && at < one.until);
    if (inMemory !== undefined) return inMemory;
    const [stored] = await store.documents('week', { upTo: at, limit: 1 });
    const found = stored !== undefined && at < stored.until ? stored : startingAfter(stored, at, zone);
    weeks.set(found.id, found);
    return found;
  }

  async function part(alert: string): Promise<OpenEpisodes> {
    const id = partOfAlert(alert);
    const found = parts.get(id) ?? (await store.document('episodes', id)) ?? { id, version: 0, list: [] };
    parts.set(id, found);
    return found;
  }

  return {
    week,
    async hour(at) {
      const one = await week(at);
      return entryOf(one.hours, hourOf(at, one.zone), noHour);
    },
    episode: async (alert, episode) =>
      (await part(alert)).list.find(one => one.alert === alert && one.episode === episode) ?? null,
    newest: async alert =>
      (await part(alert)).list.filter(one => one.alert === alert).sort((a, b) => b.episode - a.episode)[0] ?? null,
    async open(one) {
      const doc = await part(one.alert);
      doc.list = doc.list.filter(other => other.alert !== one.alert || other.episode !== one.episode);
      doc.list.push(one);
    },
    rows(now) {
      for (const one of weeks.values()) boundWeek(one);
      for (const one of parts.values()) boundEpisodes(one, now);
      return [
        ...[...weeks.values()].map(doc => ({ table: 'document' as const, kind: 'week' as const, doc: raised(doc) })),
        ...[...parts.values()].map(doc => ({
          table: 'document' as const,
          kind: 'episodes' as const,
          doc: raised(doc),
        })),
      ];
    },
  };
}

/** The week of a time after all of `before`: after a change of the zone it may be shorter. */
function startingAfter(before: WeekFigures | undefined, at: number, zone: string): WeekFigures {
  const span = weekOf(at, zone);
  return newWeek({ ...span, from: Math.max(span.from, before?.until ?? 0) });
}

const raised = <T extends { version: number }>(doc: T): T => ({ ...doc, version: doc.version + 1 });
