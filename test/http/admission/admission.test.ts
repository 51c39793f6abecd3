import { afterEach, describe, expect, it } from 'vitest';
import type { Write } from '../../doubles/kubernetes/api-server.ts';
import { controller, createAdmissionPlace, digestOf, imageOf, type Place, pod } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.stop();
});
const start = async (...given: Parameters<typeof createAdmissionPlace>) => {
  const place = await createAdmissionPlace(...given);
  places.push(place);
  return place;
};
const gates = (place: Place) => place.app.app.store.documents('gate', {});

describe('the door for API servers', () => {
  it('denies what nobody decided about as pending, asks people once, and lets the retry pass', async () => {
    const place = await start();
    const first = await place.pod(imageOf(1));
    expect(first).toMatchObject({ allowed: false, code: 403, reason: 'Forbidden', audit: { verdict: 'pending' } });
    const [gate] = await gates(place);
    expect(first.message).toContain(`${place.app.app.url}/gate/${gate?.id}`);
    expect(gate).toMatchObject({
      ...{ name: 'deploy', door: 'kubernetes', state: 'pending', requestedBy: 'service:door:kubernetes' },
      subject: { image: imageOf(1), environment: 'production', service: 'checkout', actor: 'alice@acme.example' },
      callback: { cluster: 'prod', namespace: 'shop' },
    });
    const pods = Array.from({ length: 500 }, () => place.pod(imageOf(1), { user: controller }));
    expect((await Promise.all(pods)).every(({ allowed }) => !allowed)).toBe(true);
    expect(await gates(place)).toHaveLength(1);
    await place.approve(gate?.id ?? '');
    expect(await place.pod(imageOf(1), { user: controller })).toMatchObject({
      allowed: true,
      audit: { verdict: 'allow', decisions: gate?.id, rules: 'ask' },
    });
    expect(await gates(place)).toHaveLength(1);
  });

  it('asks once for 500 pods that come at the same moment', async () => {
    const place = await start();
    const answers = await Promise.all(Array.from({ length: 500 }, () => place.pod(imageOf(1), { user: controller })));
    expect(new Set(answers.map(({ audit }) => audit['verdict']))).toEqual(new Set(['pending']));
    expect(await gates(place)).toHaveLength(1);
    expect(await place.app.app.store.approvals({})).toHaveLength(1);
  });

  it('takes the decision that CI got for the same digest in the same environment', async () => {
    const place = await start();
    const subject = { image: imageOf(1, 'mirror/checkout'), environment: 'production', service: 'checkout' };
    const { body } = await place.app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject } });
    expect(await place.pod(imageOf(1))).toMatchObject({ allowed: false, audit: { decisions: body.id } });
    await place.approve(body.id);
    expect((await place.pod(imageOf(1))).allowed).toBe(true);
    // Another environment is another question.
    const other = await place.pod(imageOf(1), { namespace: 'staging-one' });
    expect(other.audit['decisions']).not.toBe(body.id);
  });

  it('answers what policy decides by itself, and writes a denial once', async () => {
    const place = await start();
    expect((await place.pod(imageOf(1), { namespace: 'staging-one' })).allowed).toBe(true);
    expect((await place.pod(imageOf(1), { namespace: 'told' })).allowed).toBe(true);
    for (let tries = 0; tries < 3; tries++)
      expect(await place.pod(imageOf(1), { namespace: 'legacy' })).toMatchObject({
        allowed: false,
        audit: { rules: 'never' },
      });
    expect((await gates(place)).map(({ state }) => state)).toEqual(['denied', 'allowed', 'allowed']);
    expect((await place.pod(imageOf(1), { namespace: 'elsewhere' })).message).toContain('doors.kubernetes.namespaces');
  });

  it('keeps a denial of people for as long as denialStands says', async () => {
    const place = await start();
    await place.pod(imageOf(1));
    const [gate] = await gates(place);
    await place.deny(gate?.id ?? '');
    expect((await place.pod(imageOf(1), { user: 'bob' })).message).toContain('alice denied it');
    expect(await gates(place)).toHaveLength(1);
  });

  const template = (image: string) => ({ spec: { containers: [{ name: 'c', image }] } });
  const kinds: [string, string, (image: string) => object][] = [
    ['', 'Pod', image => ({ spec: { containers: [{ name: 'c', image }] } })],
    ['', 'PodTemplate', image => ({ template: template(image) })],
    ['', 'ReplicationController', image => ({ spec: { template: template(image) } })],
    ['apps', 'Deployment', image => ({ spec: { template: template(image) } })],
    ['apps', 'StatefulSet', image => ({ spec: { template: template(image) } })],
    ['apps', 'DaemonSet', image => ({ spec: { template: template(image) } })],
    ['apps', 'ReplicaSet', image => ({ spec: { template: template(image) } })],
    ['batch', 'Job', image => ({ spec: { template: template(image) } })],
    ['batch', 'CronJob', image => ({ spec: { jobTemplate: { spec: { template: template(image) } } } })],
  ];

  it.each(kinds)('finds the image of %s %s', async (group, kind, object) => {
    const place = await start();
    const write = (image: string, more: Partial<Write> = {}) =>
      place.api.admit({ group, kind, object: object(image), ...more });
    expect((await write(imageOf(1))).audit).toMatchObject({ verdict: 'pending' });
    expect((await write('registry.example/checkout:v1')).message).toContain('a tag may be moved');
    const [gate] = await gates(place);
    await place.approve(gate?.id ?? '');
    expect((await write(imageOf(1))).allowed).toBe(true);
    expect((await write(imageOf(2))).allowed).toBe(false);
    // A change that brings no image is not asked about, whatever runs there.
    const old = object('registry.example/checkout:v1');
    expect((await write('registry.example/checkout:v1', { operation: 'UPDATE', oldObject: old })).allowed).toBe(true);
    expect((await write(imageOf(3), { operation: 'UPDATE', oldObject: old })).allowed).toBe(false);
    expect((await write(imageOf(3), { operation: 'DELETE', object: null, oldObject: old })).allowed).toBe(true);
    expect((await write(imageOf(3), { operation: 'CONNECT' })).allowed).toBe(true);
  });

  it('looks at init and ephemeral containers, and asks about each image', async () => {
    const place = await start();
    const object = {
      spec: {
        initContainers: [{ name: 'i', image: imageOf(1) }],
        containers: [{ name: 'c', image: `registry.example:5000/checkout:v2@${digestOf(2)}` }],
      },
    };
    expect((await place.api.admit({ kind: 'Pod', object })).audit['verdict']).toBe('pending');
    expect((await gates(place)).map(({ subject }) => subject.image).sort()).toEqual(
      [imageOf(1), `registry.example:5000/checkout@${digestOf(2)}`].sort(),
    );
    const debugged = { spec: { ...object.spec, ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } };
    const debug = { kind: 'Pod', operation: 'UPDATE', subResource: 'ephemeralcontainers', oldObject: object } as const;
    expect((await place.api.admit({ ...debug, object: debugged })).message).toContain('busybox is denied');
  });

  it('passes what names no image, and denies what it does not know', async () => {
    const place = await start();
    expect(
      (await place.api.admit({ group: 'autoscaling', kind: 'Scale', operation: 'UPDATE', object: {} })).allowed,
    ).toBe(true);
    expect((await place.api.admit({ group: 'argoproj.io', kind: 'Rollout', object: {} })).message).toContain('Rollout');
    expect((await place.api.admit({ kind: 'Pod', object: { spec: { containers: {} } } })).allowed).toBe(false);
    expect((await place.api.admit({ kind: 'Pod' })).allowed).toBe(false);
    expect(
      (await place.api.admit({ kind: 'Pod', object: pod(...Array.from({ length: 51 }, (_, i) => imageOf(i))) }))
        .message,
    ).toContain('51 images');
    expect(await gates(place)).toEqual([]);
  });

  it('gives a dry run the verdict and writes nothing', async () => {
    const place = await start();
    const before = await place.app.app.store.head();
    expect(await place.pod(imageOf(1), { dryRun: true })).toMatchObject({
      allowed: false,
      audit: { verdict: 'pending' },
    });
    expect((await place.pod(imageOf(1), { dryRun: true, namespace: 'staging-one' })).allowed).toBe(true);
    expect((await place.pod(imageOf(1), { dryRun: true, namespace: 'legacy' })).allowed).toBe(false);
    expect(await gates(place)).toEqual([]);
    expect(await place.app.app.store.head()).toEqual(before);
  });

  it('does not let a decision stand that was revoked, also where policy would allow it again', async () => {
    const place = await start();
    const staging = { namespace: 'staging-one' };
    const { audit } = await place.pod(imageOf(1), staging);
    const revoke = await place.app.call('POST', `/api/v1/gates/${audit['decisions']}/revoke`, {
      body: { reason: 'loses orders' },
    });
    expect(revoke.status).toBe(200);
    const denied = await place.app.until(async () => {
      const answer = await place.pod(imageOf(1), staging);
      return answer.allowed ? null : answer;
    });
    expect(denied.message).toContain('revoked: loses orders');
    const subject = { image: imageOf(1), environment: 'staging' };
    await place.app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject } });
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
  });

  it('answers the review of the field', async () => {
    const place = await start();
    const review = {
      ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
      request: { uid: '705ab4f5', kind: { group: 'apps', version: 'v1', kind: 'Deployment' }, operation: 'UPDATE' },
    };
    Object.assign(review.request, {
      ...{ namespace: 'shop', userInfo: { username: 'argocd' }, newer: 'unknown keys are taken' },
      ...{ object: { spec: { replicas: 6, template: { spec: { containers: [{ name: 'c', image: imageOf(1) }] } } } } },
      ...{ oldObject: { spec: { replicas: 6 } } },
    });
    const { status, body } = await place.api.send(JSON.stringify(review));
    expect(status).toBe(200);
    expect(body).toMatchObject({ response: { uid: '705ab4f5', allowed: false, status: { code: 403 } } });
  });

  it.each([
    ['v1beta1', '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}', 422, 'bad-body'],
    ['no JSON', '{', 422, 'bad-body'],
    ['a key twice', '{"kind":"AdmissionReview","kind":"Pod"}', 422, 'bad-body'],
    ['another kind', '{"apiVersion":"v1","kind":"Pod"}', 422, 'bad-body'],
    ['no request', '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 422, 'bad-body'],
    ['a list', '[]', 422, 'bad-body'],
    ['deep nesting', '['.repeat(100_000), 422, 'bad-body'],
    ['a body of 4 MiB', `"${'x'.repeat(4 * 1024 * 1024)}"`, 413, 'body-too-large'],
  ])('refuses %s', async (_, body, status, code) => {
    const place = await start();
    expect(await place.api.send(body)).toMatchObject({ status, body: { error: { code } } });
  });

  it('takes JSON at /admission by POST alone', async () => {
    const place = await start();
    expect((await place.api.send('{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await place.api.send('{}', { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await place.api.send('', {}, { method: 'GET' })).status).toBe(405);
    expect((await place.api.send('{}', {}, { path: '/gates' })).status).toBe(404);
    const metrics = await (
      await fetch(`${place.app.app.url}/metrics`, { headers: { authorization: 'Bearer token-of-alice' } })
    ).text();
    expect(metrics).toContain('tocsin_admission_total{verdict="refused"} 4');
  });
});
