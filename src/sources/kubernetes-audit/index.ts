import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { secretList } from '../../kernel/signature.ts';
import { defineSource } from '../../ports/source.ts';
import { authorizationBy, proofOf } from '../alertmanager/proof.ts';
import { examples } from './examples.ts';
import { noticeOfUnreadable, readAudit } from './read.ts';

const options = z.strictObject({
  token: secretList.optional().meta({
    description:
      'The token in the kubeconfig that `--audit-webhook-config-file` names. It proves the API server; without it nothing runs by itself.',
  }),
  cluster: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'The name of the cluster, as the account of each change.' }),
});
type Options = z.infer<typeof options>;

const eventList = z.looseObject({
  kind: z.literal('EventList'),
  apiVersion: z.literal('audit.k8s.io/v1'),
  items: z.array(z.unknown()),
});

export default defineSource<Options>({
  id: 'kubernetes-audit',
  about:
    'Who changed what in a Kubernetes cluster: the audit webhook of its API server. Each request that writes, done or refused, is a change, once; reads, dry runs and other stages are left out. No body of a request is kept.',
  options,
  // An API server sends up to 10 MiB when --audit-webhook-truncate-enabled is set; it has about ten keys in 400 bytes.
  maxBody: 16 * 1024 * 1024,
  json: { list: 'items', bytesPerKey: 8, cutsTexts: true },
  fields: ['kind', 'apiVersion', 'items'],
  onlyChanges: true,
  keepsRaw: false,
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'On each control plane node, write the kubeconfig of docs/kubernetes.md to /etc/kubernetes/tocsin-audit.yaml, readable by root alone, with the address {url} and the token {secret}',
      'Write the policy of docs/kubernetes.md to /etc/kubernetes/audit-policy.yaml',
      'Start kube-apiserver with --audit-policy-file, --audit-webhook-config-file and --audit-webhook-truncate-enabled, and with both files mounted',
    ],
    page: 'docs/kubernetes.md#kubernetes-audit',
  },
  examples,
  verify: ({ headers }, given) => proofOf(headers, given),
  verifyHeaders: proofOf,
  prove: (_delivery, given) => authorizationBy(given),
  normalise(body, delivery, { cluster }) {
    const parsed = eventList.safeParse(body);
    if (!parsed.success)
      throw new TocsinError('bad-body', {
        message: 'The body is not what an API server sends.',
        at: parsed.error.issues[0]?.path.join('.') || 'the document',
        allowed: 'an EventList of audit.k8s.io/v1',
        remedy: 'Point --audit-webhook-config-file here, and leave --audit-webhook-version as it is.',
      });
    const { at } = delivery;
    const read = parsed.data.items.map(item => readAudit(item, { cluster, at })).filter(one => one !== null);
    const changes = read.filter(one => one !== 'unreadable');
    const unreadable = read.length - changes.length;
    return {
      events: [...changes.map(({ event }) => event), ...(unreadable === 0 ? [] : [noticeOfUnreadable(unreadable, at)])],
      eventIds: [...changes.map(({ id }) => id), ...(unreadable === 0 ? [] : [null])],
      deliveryId: null,
    };
  },
});
