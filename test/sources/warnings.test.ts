import { afterEach, describe, expect, test } from 'vitest';
import { checkFiles } from '../../src/load/index.ts';
import type { Source } from '../../src/ports/source.ts';
import eventbridge from '../../src/sources/eventbridge/index.ts';
import sns from '../../src/sources/sns/index.ts';
import { brief, config, makePlace, type Place } from '../load/place.ts';

let place: Place;
afterEach(() => place.remove());

/** What `tocsin check` says of these sources. */
async function problemsOf(sources: object) {
  place = await makePlace({ 'tocsin.yaml': config.replace(/sources: .*/, `sources: ${JSON.stringify(sources)}`) });
  const shelf = new Map(place.parts.sources).set('sns', sns as Source).set('eventbridge', eventbridge as Source);
  const problems = await checkFiles({ ...place.parts, sources: shelf });
  return { levels: problems.map(({ level }) => level), texts: brief(problems, place.folder) };
}

const topics = ['arn:aws:sns:eu-west-1:123456789012:alarms'];

describe('what tocsin check says of options that weaken a source', () => {
  test('SHA-1 is a warning at the option that allows it', async () => {
    const { levels, texts } = await problemsOf({ mine: { type: 'sns', topics, sha1: true } });
    expect(levels).toEqual(['warning']);
    expect(texts).toEqual([expect.stringMatching(/^tocsin\.yaml:4:\d+ .*signatures over SHA-1 are taken/)]);
  });

  test('a source without a secret is a warning at its name', async () => {
    const { levels, texts } = await problemsOf({ eventbridge: {} });
    expect([levels, texts]).toEqual([['warning'], [expect.stringContaining('nothing runs by itself')]]);
  });

  test('nothing of others; topics that are left out are an error', async () => {
    expect((await problemsOf({ sns: { topics }, eventbridge: { token: 't' } })).texts).toEqual([]);
    await place.remove();
    expect((await problemsOf({ sns: {} })).levels).toEqual(['error']);
  });
});
