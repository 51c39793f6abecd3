import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { Files } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';
import { makeAuthority } from '../../sources/syslog/certificates.ts';
import { createAdmissionPlace, gatesYaml, imageOf, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.stop();
});
const start = async (...given: Parameters<typeof createAdmissionPlace>) => {
  const place = await createAdmissionPlace(...given);
  places.push(place);
  return place;
};

/** A store whose documents cannot be read, or hang, once `state.how` says so. */
function failing(state: { how: 'well' | 'fails' | 'hangs' | 'writes fail' }) {
  return (store: Store): Store => ({
    ...store,
    documents: (kind, query) => {
      if (state.how === 'fails') return Promise.reject(new TocsinError('store-failed'));
      return state.how === 'hangs' && kind === 'gate' && query.key !== undefined
        ? new Promise(() => {})
        : store.documents(kind, query);
    },
    commit: change =>
      state.how === 'writes fail' ? Promise.reject(new TocsinError('store-failed')) : store.commit(change),
  });
}

describe('while decisions cannot be had', () => {
  it.each(['fails', 'hangs', 'writes fail'] as const)('nothing is let in when the store %s', async how => {
    const state: Parameters<typeof failing>[0] = { how: 'well' };
    const place = await start({}, { wrapStore: failing(state) });
    state.how = how;
    const answer = await place.pod(imageOf(1));
    expect(answer).toMatchObject({
      allowed: false,
      code: 503,
      reason: 'ServiceUnavailable',
      audit: { 'on-failure': 'deny' },
    });
    state.how = 'well';
    expect((await place.pod(imageOf(1))).audit).toMatchObject({ verdict: 'pending' });
  });

  it('everything is let in with a warning where gates.yaml says so', async () => {
    const state: Parameters<typeof failing>[0] = { how: 'well' };
    const place = await start({ 'gates.yaml': gatesYaml('    onFailure: allow\n') }, { wrapStore: failing(state) });
    expect((await place.pod(imageOf(1))).allowed).toBe(false);
    state.how = 'fails';
    const answer = await place.pod(imageOf(1));
    expect(answer).toMatchObject({ allowed: true, audit: { verdict: 'failure', 'on-failure': 'allow' } });
    expect(answer.warnings).toHaveLength(1);
    // Even so a tag is no image that anybody could have decided about.
    expect((await place.pod('busybox')).allowed).toBe(false);
  });

  it('an allow is known for two seconds, and no longer', async () => {
    const clock = createClock();
    const state: Parameters<typeof failing>[0] = { how: 'well' };
    const place = await start({}, { clock, wrapStore: failing(state) });
    const staging = { namespace: 'staging-one' };
    for (let tries = 0; tries < 2; tries++) expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
    state.how = 'fails';
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
    await clock.advance(2001);
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(false);
    state.how = 'well';
  });
});

describe('an allow that is asked for all the time', () => {
  it('is read again before it is too old, while nobody waits for that', async () => {
    const clock = createClock();
    const state: Parameters<typeof failing>[0] = { how: 'well' };
    let reads = 0;
    const counted = (store: Store): Store => ({
      ...failing(state)(store),
      documents: async (kind, query) => {
        const found = await failing(state)(store).documents(kind, query);
        if (kind === 'gate' && query.key !== undefined) reads++;
        return found;
      },
    });
    const place = await start({}, { clock, wrapStore: counted });
    const staging = { namespace: 'staging-one' };
    await place.pod(imageOf(1), staging);
    const before = reads;
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
    expect(reads).toBe(before);
    await clock.advance(1500);
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
    await place.app.until(async () => reads > before);
    state.how = 'fails';
    await clock.advance(1000);
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
    await clock.advance(1001);
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(false);
    state.how = 'well';
  });
});

describe('nobody is let in', () => {
  it('without a certificate of the authority and its name', async () => {
    const place = await start({ 'gates.yaml': gatesYaml('    clientNames: [kube-apiserver]\n') });
    const staging = { kind: 'Pod', namespace: 'staging-one', object: { spec: { containers: [] } } };
    await expect((await place.caller(null)).admit(staging)).rejects.toThrow();
    const other = makeAuthority(place.folder, 'other');
    await expect((await place.caller(other.issue('kube-apiserver'))).admit(staging)).rejects.toThrow();
    const named = await place.caller(place.authority.issue('kubelet'));
    await expect(named.admit(staging)).rejects.toThrow('401');
    expect((await place.api.admit(staging)).allowed).toBe(true);
    expect(await place.app.app.store.documents('gate', {})).toEqual([]);
  });

  it.each([
    ['another digest', { image: imageOf(2) }],
    ['another environment', { namespace: 'legacy' }],
    ['a namespace that nobody named', { namespace: 'other' }],
  ])(
    'with %s than was allowed',
    async (_, { image = imageOf(1), namespace = 'shop' }: { image?: string; namespace?: string }) => {
      const place = await start();
      const { audit } = await place.pod(imageOf(1));
      await place.approve(audit['decisions'] ?? '');
      expect((await place.pod(imageOf(1))).allowed).toBe(true);
      expect((await place.pod(image, { namespace })).allowed).toBe(false);
    },
  );

  it.each(['expired', 'held'] as const)('after the time of %s', async what => {
    const clock = createClock();
    const files: Files =
      what === 'held'
        ? { 'gates.yaml': gatesYaml().replace('about: Deployments', 'about: Deployments, holds: 1h') }
        : {};
    const place = await start(files, { clock });
    const { audit } = await place.pod(imageOf(1));
    const id = audit['decisions'] ?? '';
    if (what === 'held') {
      await place.approve(id);
      expect((await place.pod(imageOf(1))).allowed).toBe(true);
    }
    await clock.advance(3_600_001);
    expect((await place.pod(imageOf(1))).allowed).toBe(false);
  });
});

describe('the certificate', () => {
  it('is read again while connections stay, and a pair that does not fit changes nothing', async () => {
    const place = await start();
    const staging = { namespace: 'staging-one' };
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
    const next = makeAuthority(place.folder, 'next');
    const pair = next.issue('localhost');
    const fresh = () => place.caller(place.authority.issue('kube-apiserver'), next.ca);
    await copyFile(pair.cert, join(place.folder, 'tls.crt'));
    // The key comes later, as with any two files; until then the old pair serves.
    await place.app.until(async () => {
      const { body } = await place.app.call('GET', '/readyz');
      return JSON.stringify(body).includes('admission') && JSON.stringify(body).match(/key values mismatch/i);
    });
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
    await copyFile(pair.key, join(place.folder, 'tls.key'));
    const write = { kind: 'Pod', ...staging, object: { spec: { containers: [{ name: 'c', image: imageOf(1) }] } } };
    const answer = await place.app.until(async () => (await fresh()).admit(write).catch(() => null));
    expect(answer.allowed).toBe(true);
    // The connection from before is still there.
    expect((await place.pod(imageOf(1), staging)).allowed).toBe(true);
  });

  it('that is not there keeps the process from starting, with its name', async () => {
    await expect(
      createAdmissionPlace({ 'gates.yaml': gatesYaml().replace('./tls.crt', './gone.crt') }),
    ).rejects.toThrow();
  });
});
