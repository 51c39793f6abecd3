import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { jsonElements } from '../../kernel/json-elements.ts';
import { boundText, timeOf } from '../../model/incoming.ts';
import type { AskTools, ListedAlert, Listing, Source } from '../../ports/source.ts';
import { ask, askText, doubtOf } from './ask.ts';
import { fingerprintOf } from './identity.ts';
import type { Options } from './options.ts';

const named = z.array(z.object({ name: z.string() }));

/** An alert of API v2. Unknown keys of newer releases are allowed. Source: Alertmanager api/v2/openapi.yaml (gettableAlert). */
const gettable = z.object({
  fingerprint: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()).default({}),
  startsAt: z.string(),
  endsAt: z.string(),
  generatorURL: z.string().optional(),
  receivers: named.default([]),
  status: z.object({
    state: z.string(),
    silencedBy: z.array(z.string()).default([]),
    inhibitedBy: z.array(z.string()).default([]),
    /** The time intervals that mute it, since 0.28. */
    mutedBy: z.array(z.string()).default([]),
  }),
});
type Gettable = z.infer<typeof gettable>;

const silence = z.object({ createdBy: z.string(), comment: z.string().default(''), endsAt: z.string() });

const query = 'active=true&silenced=true&inhibited=true&unprocessed=true';

/** How many alerts are read without a pause for other work: a few milliseconds. */
const slice = 100;
/** How many silences are asked for in one list; alerts of further ones are silenced by "a silence". */
const mostSilences = 100;

/**
 * All alerts that Alertmanager holds for firing, as its webhook would bring them. Rejects when it cannot be asked, and when the list is
 * cut, too large or not as documented.
 */
export async function listFiring(
  given: Options,
  tools: AskTools,
  driver: Pick<Source<Options>, 'normalise'>,
): Promise<Listing> {
  const { text, at } = await askText(`alerts?${query}`, given, tools);
  // Asked after the list: one of a process that began in between is doubted, too.
  const doubt = await doubtOf(given, tools, at);
  if (doubt !== null) return { ok: false, because: doubt };
  const found = await readList(text, at);
  const silences = await readSilences(found, given, tools);
  const names = new Map(found.map(one => [fingerprintOf(one), one.labels['alertname'] ?? 'another alert']));
  const alerts: ListedAlert[] = [];
  for (const [index, one] of found.entries()) {
    if (index % slice === 0) await nextTurn();
    const event = eventOf(one, at, given, driver);
    if (event === null) return { ok: false, because: 'an alert of its list cannot be read as its webhook is' };
    alerts.push({
      event,
      silenced: quietOf(one, silences, names),
      endsAt: timeOf(one.endsAt),
      receivers: one.receivers.map(({ name }) => name),
    });
  }
  return { ok: true, at, alerts, receivers: await readReceivers(given, tools) };
}

/** The receivers of its configuration; undefined when they cannot be read, which says nothing of the list. */
function readReceivers(given: Options, tools: AskTools): Promise<string[] | undefined> {
  return ask('receivers', given, tools).then(
    ({ body }) => named.safeParse(body).data?.map(({ name }) => name),
    () => undefined,
  );
}

/** Those that have not ended by Alertmanager's clock. */
async function readList(text: string, at: number): Promise<Gettable[]> {
  const found: Gettable[] = [];
  let count = 0;
  for (const element of jsonElements(text)) {
    if (count++ % slice === 0) await nextTurn();
    const one = gettable.parse(element);
    if ((timeOf(one.endsAt) ?? at) >= at) found.push(one);
  }
  return found;
}

/** The driver makes it of a webhook with this one alert, so that both ways give the same event. */
function eventOf(one: Gettable, at: number, given: Options, driver: Pick<Source<Options>, 'normalise'>) {
  const { fingerprint, labels, annotations, startsAt, endsAt, generatorURL } = one;
  const alert = { status: 'firing', fingerprint, labels, annotations, startsAt, endsAt, generatorURL };
  const delivery = { headers: {}, body: Buffer.alloc(0), at };
  const event = driver.normalise({ version: '4', alerts: [alert] }, delivery, given).events[0];
  if (event?.kind !== 'alert') return null;
  return event.startsAt === timeOf(startsAt) ? { ...event, stretch: 'startsAt' as const } : event;
}

type Silences = ReadonlyMap<string, { by: string; until: number | null }>;

/** Who made the silences, and until when they last. One that cannot be read is left out: the list says more than it. */
async function readSilences(found: readonly Gettable[], given: Options, tools: AskTools): Promise<Silences> {
  const ids = [...new Set(found.flatMap(one => one.status.silencedBy))].slice(0, mostSilences);
  const known = new Map<string, { by: string; until: number | null }>();
  for (const id of ids) {
    const facts = await ask(`silence/${encodeURIComponent(id)}`, given, tools).then(
      ({ body }) => silence.safeParse(body).data ?? null,
      () => null,
    );
    if (facts === null) continue;
    const by = facts.comment === '' ? facts.createdBy : `${facts.createdBy}: ${facts.comment}`;
    known.set(id, { by: boundText(by, 200), until: timeOf(facts.endsAt) });
  }
  return known;
}

/** What keeps it quiet. It is over only when the last reason is, and that of an inhibition or a time interval is not known. */
function quietOf(one: Gettable, silences: Silences, names: ReadonlyMap<string, string>): ListedAlert['silenced'] {
  const { silencedBy, inhibitedBy, mutedBy } = one.status;
  const reasons = [
    ...silencedBy.map(id => silences.get(id) ?? { by: 'a silence', until: null }),
    ...inhibitedBy.map(id => ({ by: `the alert ${names.get(id) ?? 'that inhibits it'}`, until: null })),
    ...mutedBy.map(name => ({ by: `the time interval ${name}`, until: null })),
  ];
  if (reasons.length === 0) return null;
  const ends = reasons.map(({ until }) => until ?? Number.POSITIVE_INFINITY);
  const last = Math.max(...ends);
  const by = [...new Set(reasons.map(reason => reason.by))].join(', ');
  return { by: boundText(by, 200), until: Number.isFinite(last) ? last : null };
}
