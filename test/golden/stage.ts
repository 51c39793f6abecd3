import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import type { Ids } from '../../src/kernel/ids.ts';
import type { Post } from '../../src/model/card.ts';
import type { Run } from '../../src/model/run.ts';
import { startTestApp, type TestApp, type tokens } from '../doubles/app.ts';
import { addMember, type DiscordDouble, startDiscord } from '../doubles/discord/index.ts';
import type { Member } from '../doubles/discord/world.ts';
import { type SlackDouble, startSlack } from '../doubles/slack/index.ts';

/** Three in the morning of a Saturday. The wall clock stands still until a scene moves it, so that every time on a card is known. */
export const night = Date.UTC(2026, 2, 14, 3, 7);

export const people = ['alice', 'bob', 'rita'] as const;
export type Name = (typeof people)[number];

/** The whole app on three platforms, with the runbooks of the house, and what a scene does there. */
export interface Stage {
  app: TestApp;
  slack: SlackDouble;
  discord: DiscordDouble;
  members: Record<Name, Member>;
  /** Moves the wall clock on, milliseconds. */
  later(ms: number): void;
  /** Ends the app as a deployment does, and starts it again on its data. */
  restart(): Promise<void>;
  /** Asks for a run as this person; resolves once it is there. */
  ask(who: Name, runbook: string, params: Record<string, unknown>, reason?: string): Promise<Run>;
  /** An alert arrives; resolves to the run of its runbook. */
  alert(labels: Record<string, string>, facts?: { summary?: string; source?: string }): Promise<Run>;
  resolve(labels: Record<string, string>): Promise<void>;
  vote(who: Name, run: Run, vote: 'approve' | 'deny', reason?: string): Promise<void>;
  cancel(who: Name, run: Run, reason?: string): Promise<void>;
  /** Waits until the run is like this. */
  until(run: Run, holds: (run: Run) => boolean): Promise<Run>;
  /** The approval that is open for the run. */
  openApproval(run: Run): Promise<string>;
  /** Writes a file of the house anew, and waits until the app has taken it over. */
  edit(runbook: string, change: (text: string) => string): Promise<void>;
  /** Waits until every platform shows everything; resolves to the posts of this key, by platform. */
  shown(key: string): Promise<Map<string, Post>>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const slack = await startSlack();
  const discord = await startDiscord({ limits: { messages: 100, per: 1000, global: 500 } });
  const members = Object.fromEntries(people.map(name => [name, addMember(discord.world, name)])) as Stage['members'];
  let wall = night;
  const clock: Clock = {
    ...systemClock,
    now: () => wall,
    monotonic: () => systemClock.monotonic() + wall - night,
  };
  const files = houseFiles(members);
  const ids = countedIds();
  const start = (folder?: string) =>
    startTestApp(files, {
      clock,
      ids,
      keep: true,
      env: { ...slack.env, ...discord.env },
      ...(folder === undefined ? {} : { folder }),
    });
  const stage = { app: await start(), slack, discord, members } as Stage;
  await slack.socket.linked();
  await stage.app.until(async () => discord.world.commands.length > 0);
  return Object.assign(stage, actsOf(stage, clock), {
    later: (ms: number) => {
      wall += ms;
    },
    async restart() {
      const { folder } = stage.app;
      await stage.app.stop();
      stage.app = await start(folder);
    },
    async close() {
      const { folder } = stage.app;
      await stage.app.stop();
      await Promise.all([slack.close(), discord.close(), rm(folder, { recursive: true, force: true })]);
    },
  });
}

/** Each kind of id counts for itself, so that the first run is always the same. */
function countedIds(): Ids {
  const counts = new Map<string, number>();
  return {
    next(prefix) {
      const count = (counts.get(prefix) ?? 0) + 1;
      counts.set(prefix, count);
      return `${prefix}_0golden0card${String(count).padStart(9, '0')}`;
    },
  };
}

function houseFiles(members: Record<Name, Member>): Record<string, string> {
  const folder = join(import.meta.dirname, 'house');
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  const runbooks = readdirSync(join(folder, 'runbooks')).map(name => `runbooks/${name}`);
  const config = read('tocsin.yaml').replaceAll(/\{(alice|bob|rita)\}/g, (_, name: Name) => members[name].id);
  return {
    ...Object.fromEntries(['policy.yaml', ...runbooks].map(path => [path, read(path)])),
    'tocsin.yaml': config,
  };
}

/** Resolves to the id of the alert. */
type Send = (
  labels: Record<string, string>,
  status: 'firing' | 'resolved',
  summary: string,
  source: string,
) => Promise<string>;

type Acts = Omit<Stage, 'app' | 'slack' | 'discord' | 'members' | 'later' | 'restart' | 'close'>;

function actsOf(stage: Stage, clock: Clock): Acts {
  const startsAt = new Date(night - 5 * 60_000).toISOString();
  const good = (what: string, { status, body }: { status: number; body: unknown }) => {
    if (status >= 300) throw new Error(`${what} was answered ${status} ${JSON.stringify(body)}`);
  };
  const send: Send = async (labels, status, summary, source) => {
    const answer = await stage.app.call('POST', `/events/${source}`, {
      as: null,
      headers: source === 'open' ? {} : { authorization: 'Bearer alert-secret' },
      body: delivery(labels, status, summary, startsAt, new Date(clock.now()).toISOString()),
    });
    good('the alert', answer);
    return answer.body.accepted[0].alert;
  };
  const acts: Acts = {
    async ask(who, runbook, params, reason) {
      const body = { runbook, params, reason: reason ?? null };
      const answer = await stage.app.call('POST', '/api/v1/runs', { as: tokenOf(who), body });
      good(`a run of ${runbook}`, answer);
      return await acts.until({ id: answer.body.id } as Run, () => true);
    },
    async alert(labels, { summary = `${labels['alertname']} on ${labels['host'] ?? labels['cluster']}`, source } = {}) {
      const before = (await stage.app.runs()).length;
      await send(labels, 'firing', summary, source ?? 'alertmanager');
      return await stage.app.until(async () => (await stage.app.runs()).slice(before).at(-1));
    },
    resolve: async labels => void (await send(labels, 'resolved', 'over', 'alertmanager')),
    async vote(who, run, vote, reason) {
      const path = `/api/v1/approvals/${await acts.openApproval(run)}/votes`;
      good(
        'the vote',
        await stage.app.call('POST', path, { as: tokenOf(who), body: { vote, reason: reason ?? null } }),
      );
    },
    async cancel(who, run, reason) {
      const body = { reason: reason ?? null };
      good('the cancel', await stage.app.call('POST', `/api/v1/runs/${run.id}/cancel`, { as: tokenOf(who), body }));
    },
    until: ({ id }, holds) =>
      stage.app.until(async () => {
        const run = await stage.app.app.store.run(id);
        return run !== null && holds(run) && run;
      }),
    openApproval: ({ id }) =>
      stage.app.until(async () => (await stage.app.app.store.approvals({ run: id, state: 'open' }))[0]?.id),
    async edit(runbook, change) {
      const path = join(stage.app.folder, 'runbooks', runbook);
      await writeFile(path, change(await readFile(path, 'utf8')));
      await stage.app.app.catalogue.reload();
    },
    shown: key => settled(stage, send, key),
  };
  return acts;
}

const tokenOf = (who: Name): keyof typeof tokens => who.toUpperCase();

/**
 * Threads follow the journal in its order. So once a later alert is shown, everything before it is projected; then every platform has the
 * newest version of every post.
 */
async function settled(stage: Stage, send: Send, key: string): Promise<Map<string, Post>> {
  const { store } = stage.app.app;
  const last = await send({ alertname: 'Barrier', of: key }, 'firing', 'What comes after the scene', 'open');
  return await stage.app.until(async () => {
    if ((await store.post('console', `alert/${last}/1`)) === null) return null;
    const platforms = ['slack', 'discord', 'console'];
    const all = (await Promise.all(platforms.map(platform => store.posts({ platform, limit: 500 })))).flat();
    if (all.some(post => post.delivered < post.wanted)) return null;
    const found = all.filter(post => post.key === key);
    return found.length === platforms.length && new Map(found.map(post => [post.platform, post]));
  });
}

function delivery(
  labels: Record<string, string>,
  status: 'firing' | 'resolved',
  summary: string,
  startsAt: string,
  now: string,
) {
  const alert = {
    status,
    labels: { severity: 'critical', ...labels },
    annotations: { summary },
    startsAt,
    endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : now,
    generatorURL: 'http://prometheus.example.org/graph?g0.expr=up',
    fingerprint: createHash('sha256').update(JSON.stringify(labels)).digest('hex').slice(0, 16),
  };
  return {
    receiver: 'tocsin',
    status,
    alerts: [alert],
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example.org',
    version: '4',
    groupKey: '{}',
    truncatedAlerts: 0,
  };
}
