import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { needed } from '../../../src/sources/kubernetes/check.ts';
import { options } from '../../../src/sources/kubernetes/options.ts';
import { readPage } from '../../docs/pages.ts';

const { blocks } = readPage('docs/kubernetes.md');
const textOf = (label: string) => blocks.find(block => block.label === label)?.text ?? '';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

test('the role on the page allows what is needed, and nothing else', () => {
  const { items } = parse(textOf('kubernetes-role.yml')) as { items: { kind: string; rules: Rule[] }[] };
  const role = items.find(one => one.kind === 'ClusterRole') ?? { rules: [] };
  const allowed = role.rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap(group => resources.flatMap(resource => verbs.map(verb => `${verb} ${resource}.${group}`))),
  );
  const wishes = needed(options.parse({ access: 'in-cluster' })).map(
    ({ verb, resource, group }) => `${verb} ${resource}.${group}`,
  );
  // A look asks for the Events of one object by a list.
  expect(allowed.sort()).toEqual([...new Set(wishes)].sort());
});

test('the policy sends no body of a Secret, and the kubeconfig has a token and an authority', () => {
  const policy = parse(textOf('audit-policy.yml'));
  expect([policy.apiVersion, policy.kind]).toEqual(['audit.k8s.io/v1', 'Policy']);
  const bodies = policy.rules.filter((rule: { level: string }) => rule.level !== 'Metadata' && rule.level !== 'None');
  expect(bodies.map((rule: { resources: unknown }) => rule.resources)).toEqual([
    [{ group: 'apps', resources: ['deployments', 'statefulsets', 'daemonsets'] }],
  ]);
  const kubeconfig = parse(textOf('audit-kubeconfig.yml'));
  expect(kubeconfig.users[0].user).toEqual({ token: 'THE-TOKEN' });
  expect(kubeconfig.clusters[0].cluster).toMatchObject({
    server: expect.stringMatching(/^https:.*\/events\/kubernetes-audit$/),
  });
  expect(kubeconfig.clusters[0].cluster['insecure-skip-tls-verify']).toBeUndefined();
});
