import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { jsonElements } from '../../kernel/json-elements.ts';
import { boundText, timeOf } from '../../model/incoming.ts';
import { joinQuiet, type Quiet } from '../../model/muted.ts';
import { silenceMark } from '../../model/silence-mark.ts';
import type { AskTools, Delivery, ListedAlert, Listing, Normalised } from '../../ports/source.ts';
import { type Api, ask, askText } from './api.ts';
import { fingerprintOf } from './identity.ts';

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

/** Makes events of a webhook's body. */
type Normalise = (body: unknown, delivery: Delivery) => Normalised;

/**
 * All alerts that Alertmanager holds for firing, as its webhook would bring them. Rejects when it cannot be asked, and when the list is
 * cut, too large or not as documented.
 */
export async function listFiring(api: Api, tools: AskTools, normalise: Normalise): Promise<Listing> {
  const { text, at } = await askText(`alerts?${query}`, api, tools);
  const found = await readList(text, at);
  const doubt = await api.doubt({ listed: found.map(one => one.labels) }, at, tools);
  if (doubt !== null) return { ok: false, because: doubt };
  const silences = await readSilences(found, api, tools);
  const names = new Map(found.map(one => [fingerprintOf(one), one.labels['alertname'] ?? 'another alert']));
  const alerts: ListedAlert[] = [];
  for (const [index, one] of found.entries()) {
    if (index % slice === 0) await nextTurn();
    const event = eventOf(one, at, normalise);
    if (event === null) return { ok: false, because: 'an alert of its list cannot be read as its webhook is' };
    alerts.push({
      event,
      ...quietOf(one, silences, names),
      endsAt: timeOf(one.endsAt),
      receivers: one.receivers.map(({ name }) => name),
    });
  }
  return { ok: true, at, alerts, receivers: await readReceivers(api, tools) };
}

/** The receivers of its configuration; undefined when they cannot be read, which says nothing of the list. */
function readReceivers(api: Api, tools: AskTools): Promise<string[] | undefined> {
  return ask(api.receivers, api, tools).then(
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
function eventOf(one: Gettable, at: number, normalise: Normalise) {
  const { fingerprint, labels, annotations, startsAt, endsAt, generatorURL } = one;
  const alert = { status: 'firing', fingerprint, labels, annotations, startsAt, endsAt, generatorURL };
  const delivery = { headers: {}, body: Buffer.alloc(0), at };
  const event = normalise({ version: '4', alerts: [alert] }, delivery).events[0];
  if (event?.kind !== 'alert') return null;
  return event.startsAt === timeOf(startsAt) ? { ...event, stretch: 'startsAt' as const } : event;
}

type Silences = ReadonlyMap<string, Quiet & { marker: string | null }>;

/** Who made the silences, and until when they last. One that cannot be read is left out: the list says more than it. */
async function readSilences(found: readonly Gettable[], api: Api, tools: AskTools): Promise<Silences> {
  const ids = [...new Set(found.flatMap(one => one.status.silencedBy))].slice(0, mostSilences);
  const known = new Map<string, Quiet & { marker: string | null }>();
  for (const id of ids) {
    const facts = await ask(`silence/${encodeURIComponent(id)}`, api, tools).then(
      ({ body }) => silence.safeParse(body).data ?? null,
      () => null,
    );
    if (facts === null) continue;
    const by = facts.comment === '' ? facts.createdBy : `${facts.createdBy}: ${facts.comment}`;
    known.set(id, { by: boundText(by, 200), until: timeOf(facts.endsAt), marker: silenceMark(facts.comment) });
  }
  return known;
}

/** What keeps it quiet, apart from what bears a mark of Tocsin. How long an inhibition or a time interval lasts is not known. */
function quietOf(
  one: Gettable,
  silences: Silences,
  names: ReadonlyMap<string, string>,
): Pick<ListedAlert, 'silenced' | 'marked'> {
  const { silencedBy, inhibitedBy, mutedBy } = one.status;
  const made = silencedBy.map(id => silences.get(id) ?? { by: 'a silence', until: null, marker: null });
  const silenced = joinQuiet([
    ...made.filter(({ marker }) => marker === null),
    ...inhibitedBy.map(id => ({ by: `the alert ${names.get(id) ?? 'that inhibits it'}`, until: null })),
    ...mutedBy.map(name => ({ by: `the time interval ${name}`, until: null })),
  ]);
  const marked = made.flatMap(({ by, until, marker }) => (marker === null ? [] : [{ by, until, marker }]));
  return marked.length === 0 ? { silenced } : { silenced, marked };
}
