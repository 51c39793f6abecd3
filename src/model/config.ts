import { z } from 'zod';
import { duration } from '../kernel/duration.ts';
import { isAddressRange } from '../kernel/forwarded.ts';
import { labels, severity } from './event.ts';
import { labelMatch } from './runbook-file.ts';

/** A name that people type and that is part of URLs: lower-case letters, digits, dashes. */
export const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    'use lower-case letters, digits and dashes, at most 63, starting with a letter or digit',
  );

const person = z.strictObject({
  name: z.string().optional().meta({ description: 'How to show the person; the id when left out.' }),
  accounts: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: 'Accounts by platform, for example slack: T012345/U067890.' }),
});

const token = z
  .union([
    z.strictObject({ env: z.string(), person: name, may: z.array(z.string()).optional() }),
    z.strictObject({ env: z.string(), service: name, may: z.array(z.string()).optional() }),
  ])
  .meta({
    description:
      'A bearer token for the API: `env` names the environment variable that holds it, and it belongs to a person or a service.',
  });

const route = z.strictObject({
  when: z.string().optional().meta({ description: 'CEL over event and alert; true when left out.' }),
  to: z.array(z.string()).min(1).meta({ description: 'platform:channel, for example console:alerts or slack:#ops.' }),
});

const expectation = z
  .strictObject({
    match: z
      .record(z.string(), labelMatch)
      .refine(given => Object.keys(given).length > 0, {
        error: 'without a label anything would count as heard',
        params: { allowed: 'at least one label, for example { alertname: Watchdog }' },
      })
      .meta({ description: 'The labels of the alert that must keep coming; all of them must match.' }),
    every: duration
      .refine(given => given >= 30_000 && given <= 30 * 86_400_000, {
        error: 'this is too short or too long to tell an absence',
        params: { allowed: 'from 30s to 30d' },
      })
      .meta({
        description:
          'It is missing when it was not heard for this long: 30s to 30d, and more than twice the interval of its sender.',
      }),
    name: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'What it is called, and its label `expect`; made of `match` when left out.' }),
    source: name.optional().meta({ description: 'The source that must bring it; any source when left out.' }),
    severity: severity.default('critical').meta({ description: 'How severe it is when it is missing.' }),
    labels: labels
      .default({})
      .refine(given => !Object.hasOwn(given, 'expect'), {
        error: 'the label "expect" is the name of the expectation',
        params: { allowed: 'other labels, and name: for the label expect' },
      })
      .meta({ description: 'Labels of the alert that says it is missing, for routes and runbooks.' }),
  })
  .meta({ description: "An alert that must keep coming (a watchdog, a dead man's switch)." });

const members = z.array(z.string());

/** A group: a list of people of tocsin.yaml, or a group that a chat platform or an origin keeps. */
const group = z.union([
  members,
  z
    .object({
      members: members.optional().meta({
        description: 'Ids of people. With a group that is kept elsewhere: who it is while that cannot be asked.',
      }),
      onCall: name.optional().meta({ description: 'A source that knows who is on call, for example pagerduty.' }),
      escalationPolicy: z
        .string()
        .optional()
        .meta({ description: "With onCall: whose first level is meant; the alert's own when left out." }),
      schedule: z.string().optional().meta({ description: 'With onCall: the schedule that is meant.' }),
    })
    .catchall(z.string())
    .meta({
      description:
        'A group that a chat platform keeps, as platform: id, for example slack: "@sre" or an id, or discord: the name of a role.',
    }),
]);

/** Schema of tocsin.yaml. Values of the form ${NAME} come from the environment. Unknown keys are errors. */
export const configFile = z.strictObject({
  runbooks: z.string().default('./runbooks').meta({ description: 'The folder of runbooks, relative to this file.' }),
  commands: z
    .string()
    .optional()
    .meta({ description: 'A folder of chat commands of your own, relative to this file; there are none without it.' }),
  policy: z.string().default('./policy.yaml').meta({ description: 'The policy file, relative to this file.' }),
  gates: z.string().default('./gates.yaml').meta({ description: 'The file of gates, relative to this file.' }),
  knownBad: z.string().default('./known-bad.yaml').meta({
    description: 'The file of what is known to be bad, relative to this file.',
  }),
  changes: z.string().default('./changes.yaml').meta({
    description: 'The file of what changes of the environment are held against, relative to this file.',
  }),
  url: z.url().optional().meta({ description: 'Where people reach the console, for links in messages.' }),
  proxies: z
    .array(
      z.string().refine(isAddressRange, {
        error: 'this is not an address of a proxy',
        params: { allowed: 'an IP address, or a range such as 10.0.0.0/8' },
      }),
    )
    .default([])
    .meta({
      description:
        'Addresses of the proxies in front of Tocsin, as it sees them. Their X-Forwarded-For says who called; of anybody else it is ignored.',
    }),
  timezone: z.string().default('UTC').meta({ description: 'The IANA zone in which times are shown.' }),
  sources: z
    .record(name, z.looseObject({ type: z.string().optional() }))
    .default({})
    .meta({
      description:
        'Event sources by the name in /events/{name}; `type` names the driver when it differs from the name.',
    }),
  chat: z.record(name, z.looseObject({})).default({}).meta({ description: 'Options of chat platforms, by platform.' }),
  routes: z.array(route).default([]).meta({
    description: 'Which channel an alert is posted in; the first route that holds wins; without one, console:alerts.',
  }),
  expect: z
    .union([z.array(expectation).max(100), expectation])
    .default([])
    .meta({
      description:
        'Alerts that must keep coming, one or a list. When one stays away, that is an alert of the source `expect`.',
    }),
  digest: z
    .strictObject({
      to: z.array(z.string()).min(1).meta({ description: 'Where it is posted, each platform:channel.' }),
      at: z
        .string()
        .refine(at => /^(?:mon|tue|wed|thu|fri|sat|sun) (?:[01]\d|2[0-3]):[0-5]\d$/i.test(at), {
          error: 'this is not a time of the week',
          params: { allowed: 'a day and a time, for example Mon 09:00' },
        })
        .default('Mon 09:00')
        .meta({ description: 'When, by the wall clock of `timezone`, for example Mon 09:00.' }),
    })
    .optional()
    .meta({ description: 'A post each week with the figures of the week that is over; none when left out.' }),
  fallback: z.string().default('console:alerts').meta({
    description:
      'Where threads go whose channel does not take them: it is gone, or the bot is not in it. platform:channel.',
  }),
  people: z.record(name, person).default({}),
  groups: z
    .record(name, group)
    .default({})
    .meta({ description: 'Groups by name: a list of ids of people, or where the group is kept.' }),
  operators: z.array(z.string()).default([]).meta({
    description:
      'Groups or people who may halt, resume, cancel, silence and close, test sources, record deliveries and read dead letters again, besides whoever started a run.',
  }),
  tokens: z.array(token).default([]),
  secrets: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/), z.string())
    .default({})
    .meta({ description: 'Secrets by the name that runbooks use.' }),
  egress: z
    .strictObject({
      allow: z
        .array(z.string())
        .default([])
        .meta({ description: 'host or host:port that http steps may reach, `*.example.com` for subdomains.' }),
      private: z.array(z.string()).default([]).meta({
        description:
          'Addresses in private, loopback or link-local ranges that they may reach too, as host or host:port.',
      }),
    })
    .prefault({}),
  run: z
    .strictObject({
      concurrency: z
        .int()
        .min(1)
        .max(64)
        .default(16)
        .meta({ description: 'How many runs are worked on at the same time. The others are queued.' }),
      timeout: duration.prefault('10m').meta({ description: 'The time-out of a step that names none.' }),
      maxOutput: z
        .int()
        .min(4096)
        .default(4 * 1024 * 1024)
        .meta({ description: "Bytes of a step's output that are kept: half from its head, half from its tail." }),
      grace: duration
        .prefault('10s')
        .meta({ description: 'How long running steps may finish when the process is told to stop.' }),
    })
    .prefault({}),
});

/** The parsed file: defaults filled in, durations in milliseconds, ${NAME} replaced. */
export type Config = z.infer<typeof configFile>;

export type ExpectationFile = z.infer<typeof expectation>;

/** The expectations of tocsin.yaml as a list, whichever way they were written. */
export function expectationsOf({ expect }: Pick<Config, 'expect'>): readonly ExpectationFile[] {
  return Array.isArray(expect) ? expect : [expect];
}

/** A group of tocsin.yaml in one form, whichever way it was written. */
export interface GroupFacts {
  /** People by id, and groups of platforms as `platform:id`. */
  members: readonly string[];
  /** The groups on chat platforms that belong to it: id by platform. */
  platforms: Readonly<Record<string, string>>;
  onCall: { source: string; escalationPolicy: string | null; schedule: string | null } | null;
}

/** The facts of a group; null when there is no group of this name. */
export function groupFacts(config: Pick<Config, 'groups'>, of: string): GroupFacts | null {
  const found = Object.hasOwn(config.groups, of) ? config.groups[of] : undefined;
  if (found === undefined) return null;
  if (Array.isArray(found)) return { members: found, platforms: {}, onCall: null };
  const { members: listed, onCall, escalationPolicy, schedule, ...platforms } = found;
  return {
    members: listed ?? [],
    platforms: platforms as Record<string, string>,
    onCall:
      onCall === undefined
        ? null
        : { source: onCall, escalationPolicy: escalationPolicy ?? null, schedule: schedule ?? null },
  };
}
