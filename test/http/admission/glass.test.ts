import { afterEach, describe, expect, it } from 'vitest';
import { system } from '../../../src/model/actor.ts';
import type { KnownBad } from '../../../src/model/gates/known-bad.ts';
import { streamOf } from '../../../src/model/journal.ts';
import { createClock } from '../../doubles/clock.ts';
import { controller, createAdmissionPlace, digestOf, gatesYaml, imageOf, type Place, pod } from './place.ts';

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
const oncall = { user: 'olga', groups: ['system:authenticated', 'platform-oncall'] };
const broken = (reason: unknown, image = imageOf(1)) => ({
  ...pod(image),
  metadata: { name: 'checkout-1', annotations: { 'tocsin.dev/break-glass': reason } },
});

async function addBad(place: Place, blocks: KnownBad['blocks'], number = 1): Promise<void> {
  const at = place.app.app.host.clock.now();
  const entry: KnownBad = {
    ...{
      id: `bad_${number}${blocks}`,
      thing: { kind: 'image', digest: digestOf(number) },
      reason: 'loses orders',
      by: 'person:alice',
    },
    ...{ alert: null, until: null, blocks, state: 'open', createdAt: at, version: 1 },
  };
  const stream = streamOf.knownBad(entry.id);
  await place.app.app.store.commit({
    entries: [{ stream, actor: system, at, fact: { kind: 'known-bad.added', entry } }],
    rows: [{ table: 'document', kind: 'known-bad', doc: entry }],
  });
}

describe('breaking the glass', () => {
  it('lets in for a time, in one namespace, is journalled and posted, and the pods of the controller pass', async () => {
    const clock = createClock();
    const place = await start({}, { clock });
    const answer = await place.api.admit({ kind: 'Pod', object: broken('INC-12: payments are down'), ...oncall });
    expect(answer).toMatchObject({ allowed: true, audit: { 'break-glass': 'true', rules: 'break-glass' } });
    expect(answer.warnings.join()).toContain('INC-12');
    const [gate] = await gates(place);
    expect(gate).toMatchObject({
      ...{ state: 'allowed', because: 'olga broke the glass: INC-12: payments are down' },
      decision: { rule: 'break-glass', verdict: 'notify' },
      callback: { cluster: 'prod', namespace: 'shop' },
    });
    expect(gate?.holdsUntil).toBe(clock.now() + 3_600_000);
    expect((await place.app.journal()).some(({ fact }) => fact.kind === 'gate.asked')).toBe(true);
    const posted = await place.app.until(() => place.app.app.store.post('console', `gate/${gate?.id}`));
    expect(JSON.stringify(posted)).toContain('broke the glass');
    expect((await place.pod(imageOf(1), { user: controller })).allowed).toBe(true);
    // Elsewhere it holds nothing, also for the one who broke it.
    expect((await place.pod(imageOf(1), { namespace: 'shop-two', ...oncall })).allowed).toBe(false);
    await clock.advance(3_600_001);
    expect((await place.pod(imageOf(1), { user: controller })).allowed).toBe(false);
  });

  it.each([
    ['a stranger', { user: 'mallory' }, 'INC-12', {}, 'only members of platform-oncall'],
    [
      'nobody whom gates.yaml names',
      oncall,
      'INC-12',
      { 'gates.yaml': gatesYaml().replace(/ {4}breakGlass.*\n/, '') },
      'lets nobody',
    ],
    ['an empty reason', oncall, '  ', {}, 'needs a reason'],
    ['a reason that is none', oncall, 7, {}, 'needs a reason'],
  ])('is not for %s', async (_, who, reason, files, because) => {
    const place = await start(files);
    const answer = await place.api.admit({ kind: 'Pod', object: broken(reason), ...who });
    expect(answer).toMatchObject({ allowed: false });
    expect(answer.message).toContain(because);
    expect((await gates(place)).map(({ state }) => state)).toEqual(['pending']);
  });

  it('counts in the request that brings the annotation, and not in a later one', async () => {
    const place = await start();
    const old = broken('INC-12', imageOf(1));
    const update = { kind: 'Pod', operation: 'UPDATE', oldObject: old, ...oncall } as const;
    expect((await place.api.admit({ ...update, object: broken('INC-12', imageOf(2)) })).message).toContain(
      'from before',
    );
    expect((await place.api.admit({ ...update, object: broken('INC-13', imageOf(2)) })).allowed).toBe(true);
  });

  it('writes nothing in a dry run, lifts no digest, and what is revoked is over', async () => {
    const place = await start();
    expect((await place.api.admit({ kind: 'Pod', object: broken('INC'), dryRun: true, ...oncall })).allowed).toBe(true);
    expect(await gates(place)).toEqual([]);
    expect((await place.api.admit({ kind: 'Pod', object: broken('INC', 'busybox'), ...oncall })).allowed).toBe(false);
    const { audit } = await place.api.admit({ kind: 'Pod', object: broken('INC'), ...oncall });
    await place.app.call('POST', `/api/v1/gates/${audit['decisions']}/revoke`, { body: { reason: 'over' } });
    const pods = () => place.pod(imageOf(1), { user: controller });
    expect((await place.app.until(async () => ((await pods()).allowed ? null : pods()))).allowed).toBe(false);
  });

  it('lets in what is bad for rollouts, and not what is bad everywhere', async () => {
    const place = await start();
    await addBad(place, 'rollout', 1);
    await addBad(place, 'all', 2);
    expect((await place.api.admit({ kind: 'Pod', object: broken('INC'), ...oncall })).allowed).toBe(true);
    const everywhere = await place.api.admit({ kind: 'Pod', object: broken('INC', imageOf(2)), ...oncall });
    expect(everywhere).toMatchObject({ allowed: false });
    expect(everywhere.message).toContain('may not start anywhere');
  });
});

describe('what is known to be bad', () => {
  const owned = { ...pod(imageOf(1)), metadata: { ownerReferences: [{ kind: 'ReplicaSet', controller: true }] } };

  it.each([
    ['rollout', true],
    ['all', false],
  ] as const)('%s: pods of a workload that was admitted start: %s', async (blocks, starts) => {
    const clock = createClock();
    const place = await start({}, { clock });
    await place.pod(imageOf(1));
    const [gate] = await gates(place);
    await place.approve(gate?.id ?? '');
    expect((await place.pod(imageOf(1))).allowed).toBe(true);
    await addBad(place, blocks);
    await clock.advance(2001);
    // A new workload, and a pod that only says that it belongs to one.
    const denied = await place.pod(imageOf(1));
    expect(denied).toMatchObject({ allowed: false });
    expect(denied.message).toContain('loses orders');
    expect((await place.api.admit({ kind: 'Pod', object: owned })).allowed).toBe(false);
    expect((await place.api.admit({ kind: 'Pod', object: owned, user: controller })).allowed).toBe(starts);
    // A controller that makes a new ReplicaSet rolls it out.
    const spec = { template: pod(imageOf(1)) };
    const set = { group: 'apps', kind: 'ReplicaSet', object: { spec }, user: controller };
    expect((await place.api.admit(set)).allowed).toBe(false);
  });

  it('keeps out what was never admitted, also from a controller', async () => {
    const place = await start();
    await addBad(place, 'rollout');
    expect((await place.pod(imageOf(1), { user: controller })).allowed).toBe(false);
    expect((await place.pod(imageOf(1), { namespace: 'staging-one', user: controller })).allowed).toBe(false);
  });
});
