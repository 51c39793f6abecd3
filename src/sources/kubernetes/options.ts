import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { severity } from '../../model/event.ts';
import type { OptionWarning } from '../../ports/source.ts';

const path = z.string().startsWith('/', 'an absolute path');

/** A name in Kubernetes (RFC 1123 label), so that nothing else can stand in a path of the API. */
const namespace = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a name of a namespace');
const reason = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,127}$/, 'a reason such as BackOff');

const access = z
  .union([
    z.literal('in-cluster'),
    z.strictObject({
      kubeconfig: path.meta({
        description:
          'A kubeconfig file with a certificate authority and a token or a client certificate. Programs (`exec`) in it are never run.',
      }),
      context: z.string().min(1).optional().meta({ description: 'Its context; the current one when left out.' }),
    }),
    z.strictObject({
      server: z
        .url({ protocol: /^https$/, error: 'an https address' })
        .meta({ description: 'The address of the API server, https.' }),
      ca: z.string().min(1).meta({
        description:
          "The certificate authority of the cluster: the path of a file, or its text (PEM). It must have signed the server's certificate.",
      }),
      token: z.string().min(1).optional().meta({ description: 'The bearer token of a service account.' }),
      tokenFile: path
        .optional()
        .meta({ description: 'The file of the token, read again each minute, instead of `token`.' }),
    }),
  ])
  .refine(
    given =>
      typeof given === 'string' ||
      'kubeconfig' in given ||
      (given.token === undefined) !== (given.tokenFile === undefined),
    'either token or tokenFile',
  );
export type Access = z.infer<typeof access>;

export const options = z.strictObject({
  access: access.meta({
    description:
      'How the API server is reached: `in-cluster` with the service account of the pod, a kubeconfig file, or server, ca and token.',
  }),
  namespaces: z.array(namespace).min(1).max(100).optional().meta({
    description: 'The only namespaces that are watched. All when left out, which takes a ClusterRole.',
  }),
  nodes: z.boolean().default(true).meta({ description: 'Watch the conditions of nodes. This takes a ClusterRole.' }),
  pods: z.boolean().default(true).meta({
    description:
      'Watch pods, to see when what an event told is over: containers that run again, pods that are ready or gone.',
  }),
  deployments: z.boolean().default(true).meta({ description: 'Watch the conditions of Deployments.' }),
  ignore: z.array(reason).max(200).default([]).meta({ description: 'Reasons that open no alert.' }),
  severities: z.record(reason, severity).default({}).meta({ description: 'Other severities, by reason.' }),
  steady: duration.prefault('2m').meta({
    description: 'How long a container must have run after a BackOff before that counts as cured.',
  }),
  silence: duration.prefault('1h').meta({
    description:
      'After so long without another event, an alert of which nothing tells the end is over. This is no cure, so `verify` does not succeed by it.',
  }),
});
export type Options = z.infer<typeof options>;

/** For `tocsin check`: what is allowed and yet more than is needed. */
export function warnings({ access: given, silence }: Options): OptionWarning[] {
  const found: OptionWarning[] = [];
  if (typeof given !== 'string' && 'token' in given && given.token !== undefined)
    found.push({
      at: ['access', 'token'],
      what: 'a token that stands in the environment holds until it is revoked',
      allowed: 'in-cluster, or a tokenFile that the cluster replaces',
    });
  if (silence < 300_000)
    found.push({
      at: ['silence'],
      what: 'the kubelet repeats an event only every five minutes after the first ones, so an alert may end that goes on',
      allowed: '10m or longer',
    });
  return found;
}
