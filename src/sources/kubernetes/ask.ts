import type { Alert } from '../../model/alert.ts';
import type { Sight } from '../../model/look.ts';
import type { AskTools } from '../../ports/source.ts';
import { ApiRefusal, type Client, openClient } from './client.ts';
import { goneText } from './desk.ts';
import { endsIt } from './follow-events.ts';
import type { Options } from './options.ts';
import { isCured, podStateOf } from './pods.ts';
import { levels, rulesOf } from './problems.ts';
import { kubeEvent, kubeObject, kubePod } from './shapes.ts';
import { isAfter, readEvent, readLevels, type Sighting, type Subject } from './sighting.ts';

/**
 * Asks the cluster about one alert: whether its object is still there, whether its conditions say that it is over, and what its Events say.
 * Where none of them tells an end, a problem that goes on cannot be told from one that is over: then nothing is known.
 */
export async function look(alert: Alert, options: Options, { signal, clock }: AskTools): Promise<Sight> {
  const client = await openClient(options);
  const { kind = '', namespace = '', name = '', reason = '', container = '' } = alert.labels;
  const subject = { kind, namespace, name, reason, container };
  const now = clock.now();
  const level = levels.find(one => one.kind === kind && one.reason === reason);
  const watched = { Node: options.nodes, Deployment: options.deployments, Pod: options.pods }[kind] ?? false;
  const object = watched ? await read(client, subject, signal) : undefined;
  // As in the watch: what takes its place may be no better.
  if (object === null) return { state: 'unknown', because: goneText(kind) };
  if (level !== undefined && object !== undefined) {
    const found = readLevels(level.kind, kubeObject.parse(object), now);
    const fires = found.some(({ sighting }) => sighting.reason === reason);
    return fires ? { state: 'firing', at: now, endsAt: null } : { state: 'gone', at: now };
  }
  return await lookAtEvents(subject, object, { client, options, signal, now });
}

async function lookAtEvents(
  subject: Subject,
  pod: unknown,
  { client, options, signal, now }: { client: Client; options: Options; signal: AbortSignal; now: number },
): Promise<Sight> {
  const all = await eventsOf(client, subject, signal, now);
  const of = all.filter(one => one.reason === subject.reason && one.container === subject.container);
  const newest = of.reduce<Sighting | null>((best, one) => (best === null || isAfter(one, best) ? one : best), null);
  if (newest === null) return { state: 'unknown', because: 'its events have expired, and nothing else tells its end' };
  if (all.some(one => endsIt(one, newest, options))) return { state: 'gone', at: now };
  const { cure } = rulesOf(subject.reason);
  if (pod === undefined) return { state: 'firing', at: now, endsAt: null };
  const state = podStateOf(kubePod.parse(pod));
  // As in the watch: another pod of the name may be no better.
  if (state.uid !== newest.uid) return { state: 'unknown', because: goneText(subject.kind) };
  const over = isCured(state, { ...newest, cure, heardAt: newest.last }, { now, steady: options.steady });
  return over ? { state: 'gone', at: now } : { state: 'firing', at: now, endsAt: null };
}

const bases: Readonly<Record<string, string>> = { Node: '/api/v1', Pod: '/api/v1', Deployment: '/apis/apps/v1' };

/** The object as JSON; null when it is gone. */
async function read(client: Client, { kind, namespace, name }: Subject, signal: AbortSignal): Promise<unknown> {
  const within = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const path = `${bases[kind]}${within}/${kind.toLowerCase()}s/${encodeURIComponent(name)}`;
  try {
    return await client.get(path, {}, signal);
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 404) return null;
    throw error;
  }
}

/** The Events about the object. A name of Kubernetes holds no sign that a selector would understand; any other is not asked for. */
async function eventsOf(
  client: Client,
  { kind, namespace, name }: Subject,
  signal: AbortSignal,
  now: number,
): Promise<Sighting[]> {
  if (![kind, name].every(text => /^[A-Za-z0-9.:_-]+$/.test(text))) return [];
  // Events about what has no namespace are in this one.
  const within = namespace === '' ? 'default' : namespace;
  const query = { fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}` };
  const { items } = await client.list(`/api/v1/namespaces/${encodeURIComponent(within)}/events`, signal, query);
  return items.flatMap(item => {
    const parsed = kubeEvent.safeParse(item);
    const found = parsed.success ? readEvent(parsed.data, now) : null;
    return found === null ? [] : [{ ...found, severity: 'warning' as const }];
  });
}
