import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSources } from '../../contracts/source/samples.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

const shelf = await loadSources();
const given = [...shelf.values()].filter(one => one.setup !== undefined);
const takers = given.filter(one => one.prove !== undefined);
/** What comes to them comes by a way of their own. */
const others = given.filter(one => one.prove === undefined);
const secretOf = (id: string) => `secret-of-${id}-4711`;

/** Every source as `tocsin source add` writes it. */
const sources = Object.fromEntries(
  given.map(({ id, setup }) => {
    const text = JSON.stringify({ ...setup?.options, ...(id === 'email' ? { port: 0 } : {}) });
    return [id, JSON.parse(text.replaceAll('{secret}', secretOf(id)).replaceAll('{name}', id))];
  }),
);
const unproven = {
  mail: { type: 'email', port: 0, from: ['*'], to: ['*'], rules: [] },
  logs: { type: 'syslog', udp: { host: '127.0.0.1', port: 0 }, detect: [] },
};
/** A runbook that would start for whatever comes, also for notices. */
const eager = (id: string) => `title: Eager ${id}
risk: none
on:
  - { source: ${id} }
  - { source: ${id}, kind: notice }
steps: [{ id: go, exec: ["true"], idempotent: true }]
`;
const files = {
  'tocsin.yaml': basicConfig.replace(
    /sources:\n.*\n/,
    `sources: ${JSON.stringify({ ...sources, open: { type: 'alertmanager' }, ...unproven, clock: { type: 'schedule', jobs: {} } })}\n`,
  ),
  'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
  ...Object.fromEntries([...takers.map(one => one.id), 'open'].map(id => [`runbooks/eager-${id}.yaml`, eager(id)])),
};

let place: TestApp;
beforeAll(async () => {
  place = await startTestApp(files);
});
afterAll(() => place.stop());

const press = (name: string, as = 'ALICE') => place.call('POST', `/api/v1/sources/${name}/test`, { as });
const accepted = async () =>
  (await place.journal()).flatMap(({ fact }) => (fact.kind === 'event.accepted' ? [fact] : []));

/** Whose examples cannot be proven by us, or do not fit what a user writes first. */
const untestable = ['sns', 'webhook', 'records'];

describe('the test of a source', () => {
  it.each(takers.map(one => one.id))('%s: its own example arrives, marked, and nothing follows', async id => {
    const before = (await accepted()).length;
    const answer = await press(id);
    if (untestable.includes(id)) {
      expect(answer).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
      expect(answer.body.error.message).toContain('Send a test from the sender itself');
      return;
    }
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
    const made = (await accepted()).slice(before);
    expect(made.length).toBeGreaterThan(0);
    for (const { event, alert, effect } of made) {
      expect({ alert, effect }).toEqual({ alert: null, effect: null });
      expect(event).toMatchObject({ source: id, test: true, trusted: false, body: { kind: 'notice', type: 'test' } });
      expect(event.body.title).toMatch(/^Test: /);
      expect(event.body.labels).toMatchObject({ tocsin_test: 'true' });
    }
  });

  it('opened no alert, decided and ran nothing, and may be pressed again', async () => {
    for (let again = 0; again < 2; again++) expect(await press('pagerduty')).toMatchObject({ status: 200 });
    // An event that is no test shows that the pipeline has come past them.
    const body = { version: '4', status: 'firing', groupKey: 'x', receiver: 'r', groupLabels: {}, commonLabels: {} };
    const alert = { status: 'firing', labels: { alertname: 'Real' }, annotations: {}, generatorURL: '' };
    const times = {
      startsAt: new Date().toISOString(),
      endsAt: '0001-01-01T00:00:00Z',
      fingerprint: '00000000000000aa',
    };
    const sent = await place.call('POST', '/events/open', {
      as: null,
      body: { ...body, commonAnnotations: {}, externalURL: '', truncatedAlerts: 0, alerts: [{ ...alert, ...times }] },
    });
    expect(sent.status, JSON.stringify(sent.body)).toBe(202);
    await place.until(async () => (await place.app.store.runs({})).length > 0);
    expect((await place.app.store.runs({})).map(run => run.runbook)).toEqual(['eager-open']);
    expect((await place.app.store.alerts({})).map(one => one.labels['alertname'])).toEqual(['Real']);
    const kinds = (await place.journal()).map(entry => entry.fact.kind);
    expect(kinds.filter(kind => kind === 'decision.made' || kind === 'origin.told')).toEqual([]);
  });

  it('is journalled with who pressed, and shown among the deliveries of the source', async () => {
    expect(await press('github')).toMatchObject({ status: 200 });
    const facts = (await place.journal()).filter(entry => entry.fact.kind === 'source.tested');
    const last = facts.at(-1);
    expect(last).toMatchObject({ actor: { kind: 'person', id: 'alice' }, fact: { source: 'github' } });
    const shown = await place.until(async () => {
      const found = (await place.call('GET', '/api/v1/sources/github/deliveries')).body as { test: boolean }[];
      return found.length >= 2 ? found : null;
    });
    expect(shown[0]).toMatchObject({ test: true, ring: 'proven', address: null, outcome: 'accepted' });
    const github = await place.call('GET', '/api/v1/sources/github');
    expect(github.body.counts.map((one: { what: string }) => one.what)).toEqual(['test']);
  });

  it('is for operators', async () => {
    const before = (await accepted()).length;
    expect(await press('github', 'RITA')).toMatchObject({ status: 403 });
    expect(await press('github', 'CI')).toMatchObject({ status: 403 });
    expect((await place.call('POST', '/api/v1/sources/github/test', { as: null })).status).toBe(401);
    expect((await accepted()).length).toBe(before);
    expect(await press('nobody')).toMatchObject({ status: 404 });
    expect(await press('clock')).toMatchObject({ status: 404 });
  });
});

describe('a recording of a source', () => {
  it('is refused where what is sent is never kept', async () => {
    const may = async (id: string) =>
      (await place.call('POST', `/api/v1/sources/${id}/recordings`, { as: 'ALICE', body: {} })).status;
    const ids = ['kubernetes-audit', 'records', 'github'];
    expect(await Promise.all(ids.map(may))).toEqual([409, 409, 201]);
  });
});

describe('what the API shows of a source', () => {
  it.each(takers.map(one => one.id))('%s: what to do at its sender, and nothing of its secret', async id => {
    const { status, body } = await place.call('GET', `/api/v1/sources/${id}`);
    expect(status).toBe(200);
    const text = JSON.stringify(body);
    expect(text).not.toContain('4711');
    expect(body.setup.join('\n')).not.toMatch(/\{(url|secret|variable|name|url with password)\}/);
    expect(body.url).toBe(`${place.app.url}/events/${id}`);
    expect(body.proof).toBe(true);
    if (shelf.get(id)?.setup?.secret !== null) expect(body.options).toContain('[redacted]');
  });

  it.each(others.map(one => one.id))(
    '%s: what to do at its sender, and that it takes no delivery to test',
    async id => {
      const { body } = await place.call('GET', `/api/v1/sources/${id}`);
      expect(body).toMatchObject({ url: null, maxBody: null, page: shelf.get(id)?.setup?.page });
      expect(body.setup).toHaveLength(shelf.get(id)?.setup?.steps.length ?? 0);
      expect(JSON.stringify(body)).not.toContain('4711');
      expect(await press(id)).toMatchObject({ status: 404 });
    },
  );

  it('says whether something proves who sends, also by a way of its own', async () => {
    const { body } = await place.call('GET', '/api/v1/sources');
    const proofs = Object.fromEntries(
      body.map((one: { name: string; proof: boolean | null }) => [one.name, one.proof]),
    );
    expect(proofs).toMatchObject({ email: true, mail: false, logs: false, 'aws-records': null });
  });

  it('says of a source without a secret that nothing proves its sender', async () => {
    const { body } = await place.call('GET', '/api/v1/sources');
    const proofs = Object.fromEntries(
      body.map((one: { name: string; proof: boolean | null }) => [one.name, one.proof]),
    );
    expect(proofs).toMatchObject({ open: false, clock: null, github: true });
    expect((await place.call('GET', '/api/v1/sources', { as: null })).status).toBe(401);
    expect((await place.call('GET', '/api/v1/sources/nobody')).status).toBe(404);
    expect((await place.call('GET', '/api/v1/sources/nobody/deliveries')).status).toBe(404);
  });
});
