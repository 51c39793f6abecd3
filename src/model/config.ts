import { z } from 'zod';
import { duration } from '../kernel/duration.ts';

/** A name that people type and that stands in addresses: lower case, digits, dashes. */
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

/** tocsin.yaml. Values of the form ${NAME} come from the environment. Unknown keys are errors. */
export const configFile = z.strictObject({
  runbooks: z.string().default('./runbooks').meta({ description: 'The folder of runbooks, relative to this file.' }),
  commands: z.string().optional().meta({ description: 'A folder of further chat commands, relative to this file.' }),
  policy: z.string().default('./policy.yaml').meta({ description: 'The policy file, relative to this file.' }),
  url: z.url().optional().meta({ description: 'Where people reach the console, for links in messages.' }),
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
  people: z.record(name, person).default({}),
  groups: z
    .record(name, z.array(z.string()))
    .default({})
    .meta({ description: 'Groups of people by name; members are ids of people.' }),
  operators: z
    .array(z.string())
    .default([])
    .meta({ description: 'Groups or people who may halt, resume, cancel and silence, besides whoever started a run.' }),
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
      concurrency: z.int().min(1).max(64).default(4).meta({ description: 'How many steps run at the same time.' }),
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
