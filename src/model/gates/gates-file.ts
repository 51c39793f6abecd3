import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { name } from '../config.ts';
import { kubernetesDoorFile } from './kubernetes-door.ts';
import { subject } from './subject.ts';

const subjectKeys = Object.keys(subject.shape) as [keyof typeof subject.shape, ...(keyof typeof subject.shape)[]];

const gateFile = z.strictObject({
  about: z.string().max(500).default('').meta({ description: 'What it decides about, for people.' }),
  ask: z.array(z.string()).min(1).meta({
    description:
      'Who may ask: services and people whose tokens tocsin.yaml lists, and doors as door:kubernetes. Nobody else may.',
  }),
  needs: z.array(z.enum(subjectKeys)).default([]).meta({ description: 'What a subject must have.' }),
  to: z.array(z.string()).default([]).meta({
    description: 'The channels of its threads, as platform:channel; those of the routes when left out.',
  }),
  holds: duration.optional().meta({
    description: 'For how long an allow holds; until it is revoked when left out.',
  }),
});
export type GateFile = z.infer<typeof gateFile>;

/** Schema of gates.yaml: what asks before it acts. */
export const gatesFile = z.strictObject({
  gates: z.record(name, gateFile).default({}).meta({ description: 'The gates by the name that callers ask them by.' }),
  doors: z
    .strictObject({
      kubernetes: kubernetesDoorFile.optional().meta({ description: 'The door for a ValidatingWebhookConfiguration.' }),
    })
    .default({})
    .meta({ description: 'The doors through which others ask, besides POST /gates.' }),
});
