import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import { groupFacts } from '../../src/model/config.ts';
import type { ChatPlatform } from '../../src/ports/chat.ts';
import { brief, makePlace, type Place } from './place.ts';

/** Only its id and options are looked at. */
const platform: ChatPlatform = {
  id: 'slack',
  about: '',
  options: z.object({}),
  capabilities: { maxText: 1, streams: false, editEvery: 1 },
  open: () => Promise.reject(new Error('nothing is opened')),
};

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

const people = 'people: { you: {}, sam: {} }\n';
const pagerduty = 'sources: { pagerduty: { secret: s, apiToken: k, from: a@example.com } }\n';
const onCall = 'rules: [{ name: ask, decide: approve, by: on-call }]';

async function put(config: string, policy: string): Promise<Place> {
  const place = await makePlace({ 'tocsin.yaml': people + config, 'policy.yaml': policy });
  places.push(place);
  return place;
}

async function problemsOf(config: string, policy = 'rules: []'): Promise<string[]> {
  const place = await put(config, policy);
  return brief(await checkFiles(place.parts), place.folder);
}

describe('groups that are kept elsewhere', () => {
  it('may be written in both forms', async () => {
    const place = await put(
      `${pagerduty}groups: { sre: [you], leads: { slack: "@leads", members: [sam] }, web: { onCall: pagerduty, schedule: PS1 } }\n`,
      'rules: [{ name: ask, decide: approve, by: [sre, leads, web, "slack:@ops"], quorum: 5 }]',
    );
    const catalogue = await createCatalogue(place.parts);
    await catalogue.close();
    const { config } = catalogue.current();
    expect(groupFacts(config, 'sre')).toEqual({ members: ['you'], platforms: {}, onCall: null });
    expect(groupFacts(config, 'leads')).toEqual({ members: ['sam'], platforms: { slack: '@leads' }, onCall: null });
    expect(groupFacts(config, 'web')).toEqual({
      members: [],
      platforms: {},
      onCall: { source: 'pagerduty', escalationPolicy: null, schedule: 'PS1' },
    });
    expect(groupFacts(config, 'toString')).toBeNull();
  });

  it('members are people of the file', async () => {
    const [problem] = await problemsOf('groups: { leads: { slack: "@leads", members: [you, sm] } }\n');
    expect(problem).toContain('there is no person "sm"');
  });

  it('a place that does not exist is named, with the nearest one', async () => {
    const place = await put('groups: { leads: { slck: "@leads" } }\n', 'rules: []');
    const platforms = new Map([['slack', platform]]);
    expect(await checkFiles({ ...place.parts, platforms })).toContainEqual(
      expect.objectContaining({ message: 'there is no chat platform "slck"', nearest: 'slack', line: 2 }),
    );
  });

  it('a source that cannot tell who is on call is named', async () => {
    const text =
      'sources: { alertmanager: {}, pagerduty: { secret: s } }\ngroups: { web: { onCall: alertmanager }, db: { onCall: pagerduty } }\n';
    expect(await problemsOf(text)).toEqual([
      expect.stringContaining('"alertmanager" is no source that can tell who is on call'),
      expect.stringContaining('"pagerduty" is no source that can tell who is on call'),
    ]);
  });
});

describe('by: on-call', () => {
  it('works where one source can tell who is on call', async () => {
    expect(await problemsOf(pagerduty, onCall)).toEqual([]);
  });

  it.each([
    ['no source can', 'sources: { pagerduty: { secret: s } }\n'],
    ['two can', `${pagerduty.replace(' } }', ' }, pd-eu: { type: pagerduty, secret: s, apiToken: k } }')}`],
  ])('is an error where %s', async (_what, config) => {
    expect(await problemsOf(config, onCall)).toEqual([
      expect.stringContaining('there is no group or person "on-call" in tocsin.yaml'),
    ]);
  });
});

describe('resolve: origin', () => {
  it('is taken where something may run, and has no effect on what is denied', async () => {
    const rule = (decide: string) => `rules: [{ name: one, decide: ${decide}, resolve: origin }]`;
    expect(await problemsOf('', rule('auto'))).toEqual([]);
    expect(await problemsOf('', rule('notify'))).toEqual([]);
    expect(await problemsOf('', rule('deny'))).toEqual([expect.stringContaining('"resolve" has no effect')]);
    expect(await problemsOf('', rule('auto').replace('origin', 'true'))).toHaveLength(1);
  });
});
