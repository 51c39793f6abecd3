import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { breakGlassAnnotation } from '../../src/model/gates/kubernetes-door.ts';

const folder = join(import.meta.dirname, '../../deploy/kubernetes');
const documents = parseAllDocuments(readFileSync(join(folder, 'admission.yaml'), 'utf8'));

/** What the API has, with the limits that it sets. Source: k8s.io/api/admissionregistration/v1. */
const configuration = z.strictObject({
  apiVersion: z.literal('admissionregistration.k8s.io/v1'),
  kind: z.literal('ValidatingWebhookConfiguration'),
  metadata: z.strictObject({ name: z.string(), annotations: z.record(z.string(), z.string()) }),
  webhooks: z.tuple([
    z.strictObject({
      name: z.string().regex(/^[a-z-]+\.[a-z-]+\.[a-z]+$/),
      admissionReviewVersions: z.tuple([z.literal('v1')]),
      clientConfig: z.strictObject({
        service: z.strictObject({
          namespace: z.string(),
          name: z.string(),
          path: z.literal('/admission'),
          port: z.int(),
        }),
      }),
      failurePolicy: z.literal('Fail'),
      timeoutSeconds: z.literal(5),
      sideEffects: z.literal('NoneOnDryRun'),
      matchPolicy: z.literal('Equivalent'),
      matchConditions: z.tuple([z.strictObject({ name: z.string(), expression: z.string() })]),
      namespaceSelector: z.strictObject({
        matchExpressions: z.tuple([z.strictObject({ key: z.string(), operator: z.literal('DoesNotExist') })]),
      }),
      rules: z.array(
        z.strictObject({
          apiGroups: z.array(z.string()),
          apiVersions: z.tuple([z.literal('v1')]),
          operations: z.tuple([z.literal('CREATE'), z.literal('UPDATE')]),
          resources: z.array(z.string()),
          scope: z.literal('Namespaced'),
        }),
      ),
    }),
  ]),
});

const byKind = (kind: string) => documents.map(one => one.toJS()).find(one => one.kind === kind);

test('the webhook asks the Service about all kinds that start images, and exempts Tocsin alone', () => {
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  const [webhook] = configuration.parse(byKind('ValidatingWebhookConfiguration')).webhooks;
  const service = byKind('Service');
  expect(webhook.clientConfig.service).toMatchObject({ ...service.metadata, port: service.spec.ports[0].port });
  expect(webhook.matchConditions[0].expression).toBe(`request.namespace != '${service.metadata.namespace}'`);
  expect(webhook.namespaceSelector.matchExpressions[0].key).toBe(breakGlassAnnotation);
  expect(byKind('Certificate').spec.dnsNames).toEqual([`${service.metadata.name}.${service.metadata.namespace}.svc`]);
  expect(webhook.rules.flatMap(({ apiGroups: [group], resources }) => resources.map(one => `${group}/${one}`))).toEqual(
    [
      ...['/pods', '/pods/ephemeralcontainers', '/replicationcontrollers'],
      ...['apps/deployments', 'apps/statefulsets', 'apps/daemonsets', 'apps/replicasets'],
      ...['batch/jobs', 'batch/cronjobs'],
    ],
  );
});

test('the script makes a certificate for the name of the Service, and its authority', () => {
  const at = mkdtempSync(join(tmpdir(), 'tocsin-certificates-'));
  try {
    const printed = execFileSync('sh', [join(folder, 'make-certificates'), at], { encoding: 'utf8' });
    const read = (name: string) => readFileSync(join(at, name));
    const [ca, own] = [new X509Certificate(read('ca.crt')), new X509Certificate(read('tls.crt'))];
    expect(own.checkIssued(ca) && own.verify(ca.publicKey)).toBe(true);
    expect(own.checkHost('tocsin-admission.tocsin.svc')).toBe('tocsin-admission.tocsin.svc');
    expect(printed).toBe(`caBundle: ${read('ca.crt').toString('base64')}\n`);
  } finally {
    rmSync(at, { recursive: true });
  }
});
