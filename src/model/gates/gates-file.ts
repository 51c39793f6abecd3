import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { name } from '../config.ts';
import { doorsFile } from './doors.ts';
import { evidenceFormat, evidenceKind } from './evidence.ts';
import { kubernetesDoorFile } from './kubernetes-door.ts';
import { subject } from './subject.ts';

const subjectKeys = Object.keys(subject.shape) as [keyof typeof subject.shape, ...(keyof typeof subject.shape)[]];

const bare = z.strictObject({
  trust: z.enum(['caller', 'signature']).default('caller').meta({
    description:
      'Whose word counts: caller takes also what nobody signed, and marks it; signature takes only what is signed.',
  }),
  unbound: z.boolean().default(false).meta({
    description: 'Take also a document that does not say by digest which image or commit it is of.',
  }),
});

const provenance = z
  .strictObject({
    trustedRoot: z.string().min(1).optional().meta({
      description:
        'A file with the trusted root of Sigstore as JSON, or several, one on each line; certificates from it count. Relative to gates.yaml.',
    }),
    keys: z.array(z.string().min(1)).max(20).default([]).meta({
      description: 'Files with public keys (PEM), such as cosign.pub. What one of them signed counts, whoever had it.',
    }),
    issuer: z.string().min(1).optional().meta({
      description: 'Who vouched for the identity in the certificate: https://token.actions.githubusercontent.com',
    }),
    repository: z.string().min(1).optional().meta({
      description: 'The repository in the certificate: acme/checkout at GitHub, else its whole address.',
    }),
    identity: z.string().min(1).optional().meta({
      description: 'The identity in the certificate, whole: a mail address, or the address of a workflow with its ref.',
    }),
    workflow: z.string().min(1).optional().meta({
      description: 'The workflow that was started: .github/workflows/release.yml, or with @refs/heads/main.',
    }),
    builders: z.array(z.string().min(1)).max(100).default([]).meta({
      description: 'The builders whose provenance counts, whole; any when left out.',
    }),
  })
  .superRefine((of, context) => {
    const add = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path });
    if (of.trustedRoot === undefined) {
      if (of.keys.length === 0) add('needs trustedRoot or keys: else no signature counts');
      return;
    }
    // Everybody may sign with the public Sigstore, so a trusted root alone trusts everybody.
    if (of.issuer === undefined) add('needs issuer: anybody can sign under a trusted root');
    if (of.repository === undefined && of.identity === undefined)
      add('needs repository or identity: anybody can sign under a trusted root');
  });

const evidence = z.strictObject({
  fetch: z
    .array(
      z.strictObject({
        url: z
          .string()
          .max(1000)
          .regex(
            /^https?:\/\/[^/?#{}@\s]+\/[^\s]*\{(digest|sha)\}/,
            'an http or https address with {digest} or {sha} behind its host: {digest} is the image’s, in hexadecimal digits',
          ),
        kind: evidenceKind,
        format: evidenceFormat.optional().meta({ description: 'Its format; found out when left out.' }),
      }),
    )
    .max(10)
    .default([])
    .meta({ description: 'Documents that are fetched before the decision, within the egress rules of tocsin.yaml.' }),
  sbom: bare.prefault({}).meta({ description: 'What is taken of an SBOM.' }),
  scan: bare.prefault({}).meta({ description: 'What is taken of a scan.' }),
  provenance: provenance.optional().meta({
    description: 'Whose signatures count: of provenance, which counts only when signed, and of a signed SBOM or scan.',
  }),
});
export type EvidenceFile = z.infer<typeof evidence>;
const patterns = (what: string) =>
  z
    .array(z.string().min(1).max(512))
    .max(1000)
    .default([])
    .meta({ description: `${what}; any when left out. * stands for any characters.` });

const guard = z.strictObject({
  environment: z.string().min(1).max(200).meta({ description: 'The environment, as subjects and changes name it.' }),
  sources: patterns('The sources that tell of changes there, by their names in tocsin.yaml'),
  accounts: patterns('The accounts or clusters that it is in'),
  resources: patterns('The ids of resources that are in it'),
});

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
  guards: z.array(guard).max(100).default([]).meta({
    description:
      'Where no image and no commit comes in without it: a change that brings one without its verdict is unpermitted. A change that tells no environment is in the one whose sources, accounts or resources name it.',
  }),
  holds: duration.optional().meta({
    description: 'For how long an allow holds; until it is revoked when left out.',
  }),
  evidence: evidence.prefault({}).meta({ description: 'What is taken as evidence, and from where.' }),
});
export type GateFile = z.infer<typeof gateFile>;

/** Schema of gates.yaml: what asks before it acts. */
export const gatesFile = z.strictObject({
  gates: z.record(name, gateFile).default({}).meta({ description: 'The gates by the name that callers ask them by.' }),
  doors: doorsFile
    .extend({
      kubernetes: kubernetesDoorFile.optional().meta({ description: 'The door for a ValidatingWebhookConfiguration.' }),
    })
    .default({})
    .meta({ description: 'The doors through which others ask, besides POST /gates.' }),
});
