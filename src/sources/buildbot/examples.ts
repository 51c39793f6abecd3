import type { SourceExample } from '../../ports/source.ts';

const failed = {
  buildid: 31,
  number: 12,
  builderid: 1,
  started_at: 1_795_604_370,
  complete_at: 1_795_604_400,
  complete: true,
  state_string: "failed 'make test' (failure)",
  results: 2,
  properties: {
    buildername: ['runtests', 'Builder'],
    workername: ['w1', 'Worker'],
    buildnumber: [12, 'Build'],
    branch: ['main', 'Build'],
    revision: ['2293ada6b4', 'Build'],
    repository: ['https://git.example.com/shop.git', 'Build'],
    project: ['', 'Build'],
    codebase: ['', 'Build'],
  },
  buildset: { bsid: 30, reason: 'A change came' },
  builder: { builderid: 1, name: 'runtests', tags: ['nightly'] },
  url: 'https://buildbot.example.com/#builders/1/builds/12',
};
const options = { basic: { user: 'buildbot', password: 'an example password' } };
const headers = { authorization: `Basic ${Buffer.from('buildbot:an example password').toString('base64')}` };

export const examples: readonly SourceExample[] = [
  {
    title: 'A build fails',
    options,
    headers,
    body: JSON.stringify(failed),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'runtests',
          title: "runtests #12: failed 'make test' (failure)",
          severity: 'error',
          labels: {
            builder: 'runtests',
            worker: 'w1',
            branch: 'main',
            revision: '2293ada6b4',
            repository: 'https://git.example.com/shop.git',
            result: 'failure',
            tags: 'nightly',
          },
          annotations: { reason: 'A change came' },
          links: [{ label: 'Build', url: 'https://buildbot.example.com/#builders/1/builds/12' }],
          startsAt: 1_795_604_400_000,
          newsAt: 1_795_604_370_000,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'The next build is well',
    options,
    headers,
    body: JSON.stringify({ ...failed, number: 13, results: 0, started_at: 1_795_604_402, complete_at: 1_795_604_405 }),
    expect: { events: [{ kind: 'alert', state: 'resolved', fingerprint: 'runtests', endsAt: 1_795_604_405_000 }] },
  },
  {
    title: 'A build begins',
    options,
    headers,
    body: JSON.stringify({ ...failed, complete: false, complete_at: null, results: null, state_string: 'starting' }),
    expect: { events: [{ kind: 'notice', type: 'started', about: 'runtests' }] },
  },
  {
    title: 'A builder for several branches',
    options: { ...options, by: ['branch'] },
    headers,
    body: JSON.stringify({ ...failed, results: 4 }),
    expect: { events: [{ kind: 'alert', state: 'firing', fingerprint: 'runtests/branch=main', severity: 'error' }] },
  },
  {
    title: 'A body without a builder is refused',
    options,
    headers,
    body: '{"results":2}',
    expect: { refused: 'bad-body' },
  },
];
