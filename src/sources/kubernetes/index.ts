import { TocsinError } from '../../kernel/errors.ts';
import { defineSource } from '../../ports/source.ts';
import { look } from './ask.ts';
import { check } from './check.ts';
import { type Options, options, warnings } from './options.ts';
import { start } from './start.ts';

const access = { server: 'https://10.0.0.1:6443', ca: '/etc/tocsin/cluster-ca.crt', token: 'an example token' };

export default defineSource<Options>({
  id: 'kubernetes',
  about:
    'Follows a cluster by itself: Events of type Warning, and the conditions of nodes, Deployments and pods. One alert for each object and reason, however often it repeats; it ends by the opposite event or condition, or by silence, which counts as no cure. One node of a fleet watches at a time.',
  options,
  examples: [
    {
      title: 'A cluster with a service account; it takes no deliveries',
      options: { access, namespaces: ['shop'], nodes: false },
      headers: {},
      body: '{}',
      expect: { refused: 'bad-signature' },
    },
    {
      title: 'Plain http would show the token to everybody between',
      options: { access: { ...access, server: 'http://10.0.0.1:8080' } },
      headers: {},
      body: '{}',
      expect: { refused: 'file-invalid' },
    },
  ],
  delay: () => null,
  verify: () => ({ ok: false, because: 'a cluster is watched, and delivers nothing' }),
  normalise() {
    throw new TocsinError('bad-body', { message: 'A cluster is watched, and delivers nothing.' });
  },
  timing: () => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY }),
  canAsk: () => true,
  look,
  warnings,
  check,
  start,
  oneNode: true,
});
