import { afterEach, describe, expect, it } from 'vitest';
import { takenBack } from '../../../src/flow/changes/restored.ts';
import type { ChangeRules } from '../../../src/flow/changes/rules.ts';
import type { Held } from '../../../src/model/ledger/held.ts';
import { sampleHeld } from '../../contracts/gates.ts';
import { createPlace, type FlowPlace } from '../place.ts';

/** Only `skew` is looked at. */
const rules = { skew: 1000 } as ChangeRules;
const at = 1_000_000;
const done = { source: 'trail', trusted: true, outcome: 'success', resource: 'sg-1', ahead: false } as const;
const opened = (over: Partial<Held> = {}) =>
  sampleHeld({ id: 'hld_1', ...done, state: 'ended', was: 'closed', became: 'open', occurredAt: at, ...over });
const shut = (over: Partial<Held> = {}) =>
  sampleHeld({ id: 'hld_2', ...done, state: 'open', was: 'open', became: 'closed', occurredAt: at + 60_000, ...over });

describe('a change that takes back what nobody permitted', () => {
  let place: FlowPlace | null = null;
  afterEach(async () => await place?.close());
  const found = async (first: Held, later: Held) => {
    place = await createPlace();
    await place.store.commit({ rows: [first, later].map(doc => ({ table: 'document', kind: 'held', doc })) });
    return (await takenBack(later, rules, place))?.id ?? null;
  };

  it.each(['unpermitted', 'ended', 'undone'] as const)('is known where that is %s', async state => {
    expect(await found(opened({ state }), shut())).toBe('hld_1');
  });

  it.each<[string, Held, Held]>([
    ['was permitted', opened({ state: 'permitted' }), shut()],
    ['was another resource', opened({ resource: 'sg-2' }), shut()],
    ['was done later', opened({ occurredAt: at + 120_000 }), shut()],
    ['had another state before', opened({ was: 'half' }), shut()],
    ['is told by a source that did not prove itself', opened(), shut({ trusted: false })],
    ['is taken back by a call that failed', opened(), shut({ outcome: 'failure' })],
  ])('is none where the earlier one %s', async (_, first, later) => {
    expect(await found(first, later)).toBeNull();
  });
});
