import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { name } from '../config.ts';

/** The annotation by which a person of the group breaks the glass; its value is the reason. */
export const breakGlassAnnotation = 'tocsin.dev/break-glass';

/** Who makes pods from workloads that were admitted before. Source: the service accounts of kube-controller-manager. */
export const standardControllers = [
  'replicaset-controller',
  'replication-controller',
  'statefulset-controller',
  'daemon-set-controller',
  'job-controller',
].map(account => `system:serviceaccount:kube-system:${account}`);

/** Groups that hold everybody or nearly everybody. */
const crowds = ['system:authenticated', 'system:unauthenticated', 'system:serviceaccounts'];

const group = z
  .string()
  .min(1)
  .max(200)
  .refine(one => !crowds.includes(one), { message: 'this group holds nearly everybody; name one that few are in' });

const namespace = z.strictObject({
  environment: z.string().min(1).max(200).meta({ description: 'The environment of what runs there.' }),
  service: z.string().min(1).max(200).optional().meta({ description: 'The service that runs there, if it is one.' }),
});

/** What `doors.kubernetes` of gates.yaml may say. */
export const kubernetesDoorFile = z.strictObject({
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/, 'an address and a port, such as 127.0.0.1:8443')
    .default('127.0.0.1:8443')
    .meta({ description: 'Where it listens for the API server, with TLS.' }),
  cert: z
    .string()
    .min(1)
    .meta({ description: 'The file of its certificate with the chain, PEM. Read again when it changes.' }),
  key: z.string().min(1).meta({ description: 'The file of the key, PEM.' }),
  clientCa: z.string().min(1).optional().meta({
    description:
      'The file of the authority that signed the client certificate of the API server; nobody gets in without one then.',
  }),
  clientNames: z.array(z.string().min(1)).min(1).optional().meta({
    description: 'The common names of client certificates that get in; all of the authority when left out.',
  }),
  gate: name.meta({ description: 'The gate that is asked about images that nobody decided about yet.' }),
  namespaces: z
    .record(
      z.string().regex(/^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$/, 'the name of a namespace, * for any part'),
      namespace,
    )
    .meta({
      description:
        'The environment of each namespace, by name or pattern; the name itself, then the first pattern that fits. Others are denied.',
    }),
  cluster: z.string().min(1).max(200).meta({ description: 'The name of the cluster, for people.' }),
  controllers: z.array(z.string().min(1)).default(standardControllers).meta({
    description: 'The users that make pods of workloads which were admitted before.',
  }),
  onFailure: z.enum(['deny', 'allow']).default('deny').meta({
    description: 'What is answered while decisions cannot be read or written.',
  }),
  denialStands: duration
    .default(3_600_000)
    .meta({ description: 'For how long a denial is not asked about again; 1h when left out.' }),
  breakGlass: z
    .strictObject({
      group: group.meta({ description: 'The Kubernetes group whose members may.' }),
      for: duration
        .refine(time => time >= 60_000 && time <= 86_400_000, { message: 'from 1m to 24h' })
        .default(3_600_000)
        .meta({ description: 'For how long the images of the object may start in its namespace; 1h when left out.' }),
    })
    .optional()
    .meta({
      description: `Who may break the glass with the annotation ${breakGlassAnnotation}; nobody when left out.`,
    }),
});
export type KubernetesDoorFile = z.infer<typeof kubernetesDoorFile>;

/** The entry of a namespace: the one of its name, else the first pattern that fits; null for none. */
export function namespaceEntry(
  { namespaces }: Pick<KubernetesDoorFile, 'namespaces'>,
  of: string,
): { environment: string; service?: string | undefined } | null {
  const exact = Object.hasOwn(namespaces, of) ? namespaces[of] : undefined;
  if (exact !== undefined) return exact;
  return Object.entries(namespaces).find(([pattern]) => pattern.includes('*') && fits(pattern, of))?.[1] ?? null;
}

/** Linear: the parts between the stars are looked for one after the other. */
function fits(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
