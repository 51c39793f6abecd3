import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { controller, createAdmissionPlace, digestOf, imageOf, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.stop();
});
const start = async () => {
  const place = await createAdmissionPlace();
  places.push(place);
  return place;
};
const staging = { namespace: 'staging-one' };

/** Puts the image on the list, and waits until the allow of it has ended and is known no more. */
async function ban(place: Place, gate: string, blocks: 'rollout' | 'all') {
  const body = { what: digestOf(1), reason: 'it loses orders', blocks };
  expect((await place.app.call('POST', '/api/v1/known-bad', { body })).status).toBeLessThan(300);
  await place.app.until(async () => (await place.app.app.store.document('gate', gate))?.state === 'void');
  return await place.app.until(async () => {
    const answer = await place.pod(imageOf(1), staging);
    return answer.allowed ? null : answer;
  });
}

describe('an image that became known to be bad', () => {
  it('is let in no more, except for pods of what runs, which a controller makes', async () => {
    const place = await start();
    const first = await place.pod(imageOf(1), staging);
    expect(first.allowed).toBe(true);
    const denied = await ban(place, first.audit['decisions'] ?? '', 'rollout');
    expect(denied.message).toContain('it loses orders');
    const byController = await place.pod(imageOf(1), { ...staging, user: controller });
    expect(byController).toMatchObject({ allowed: true, audit: { decisions: first.audit['decisions'] } });
    // Nobody else, nothing but a pod, and nowhere that it was not admitted before.
    expect((await place.pod(imageOf(1), { ...staging, user: 'bob' })).allowed).toBe(false);
    const deployment = { ...staging, group: 'apps', kind: 'Deployment', user: controller };
    const template = { spec: { containers: [{ name: 'c', image: imageOf(1) }] } };
    expect((await place.api.admit({ ...deployment, object: { spec: { template } } })).allowed).toBe(false);
    expect((await place.pod(imageOf(1), { namespace: 'told', user: controller })).allowed).toBe(false);
  });

  it('is let in for nobody when its entry blocks all', async () => {
    const place = await start();
    const first = await place.pod(imageOf(1), staging);
    await ban(place, first.audit['decisions'] ?? '', 'all');
    expect((await place.pod(imageOf(1), { ...staging, user: controller })).allowed).toBe(false);
  });

  it('is let in for nobody when it was revoked before', async () => {
    const place = await start();
    const gate = (await place.pod(imageOf(1), staging)).audit['decisions'];
    const revoke = await place.app.call('POST', `/api/v1/gates/${gate}/revoke`, { body: { reason: 'loses orders' } });
    expect(revoke.status).toBe(200);
    const answer = await place.app.until(async () => {
      const one = await place.pod(imageOf(1), { ...staging, user: controller });
      return one.allowed ? null : one;
    });
    expect(answer.message).toContain('revoked: loses orders');
    const body = { what: digestOf(1), reason: 'it loses orders', blocks: 'rollout' };
    await place.app.call('POST', '/api/v1/known-bad', { body });
    expect((await place.pod(imageOf(1), { ...staging, user: controller })).allowed).toBe(false);
  });
});

describe('a review as an API server sends it', () => {
  it('is asked about for its new image, and passes after the vote', async () => {
    const place = await start();
    const file = join(import.meta.dirname, '../../fixtures/payloads/kubernetes/admissionreview-v1.request.json');
    const review = await readFile(file);
    const uid = '705ab4f5-6393-11e8-b7cc-42010a800002';
    expect((await place.api.send(review)).body).toMatchObject({
      ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
      response: { uid, allowed: false, status: { code: 403 }, auditAnnotations: { verdict: 'pending' } },
    });
    const [gate] = await place.app.app.store.documents('gate', {});
    expect(gate?.subject).toEqual({
      image: `registry.acme.example/checkout@sha256:${'0f1e2d3c4b5a69788796a5b4c3d2e1f0'.repeat(2)}`,
      ...{ environment: 'production', service: 'checkout' },
      actor: 'system:serviceaccount:argocd:argocd-application-controller',
    });
    await place.approve(gate?.id ?? '');
    expect((await place.api.send(review)).body).toMatchObject({ response: { uid, allowed: true } });
  });
});
