import { afterEach, describe, expect, it } from 'vitest';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import { brief, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

async function put(text: string): Promise<Place> {
  const place = await makePlace({ 'known-bad.yaml': text });
  places.push(place);
  return place;
}

const problemsOf = async (text: string) => {
  const place = await put(text);
  return brief(await checkFiles(place.parts), place.folder);
};

const sha = 'a'.repeat(40);
const digest = `sha256:${'0'.repeat(64)}`;

describe('known-bad.yaml', () => {
  it('has entries, feeds and clones', async () => {
    const place = await put(`
entries:
  - { image: "${digest}", reason: loses orders, by: alice, until: 2099-01-31 }
  - { commit: ${sha}, reason: r, by: b, until: "2099-01-31T10:00:00+02:00", blocks: all }
  - { package: "pkg:npm/%40acme/pad@1.0.0", reason: r, by: b }
  - { package: "pkg:PyPI/Pad_It", versions: [1.10, "2.0"], reason: r, by: b }
  - { package: pkg:npm/pad, versions: "<1.3.1", reason: r, by: b }
  - { range: { repository: acme/checkout, introduced: ${sha} }, reason: r, by: b }
feeds: { kev: { kind: kev, url: "https://example.com/kev.json" } }
clones: { acme/checkout: ./mirror.git }
`);
    expect(brief(await checkFiles(place.parts), place.folder)).toEqual([]);
    const catalogue = await createCatalogue(place.parts);
    await catalogue.close();
    const { entries, feeds, clones } = catalogue.current().knownBad;
    expect(entries.map(one => one.thing)).toEqual([
      { kind: 'image', digest },
      { kind: 'commit', sha },
      { kind: 'package', purl: 'pkg:npm/%40acme/pad', versions: ['1.0.0'], ranges: [] },
      { kind: 'package', purl: 'pkg:pypi/pad-it', versions: ['1.10', '2.0'], ranges: [] },
      { kind: 'package', purl: 'pkg:npm/pad', versions: [], ranges: ['<1.3.1'] },
      { kind: 'range', repository: 'acme/checkout', introduced: sha, fixed: [], last: null },
    ]);
    expect(entries[0]?.until).toBe(Date.parse('2099-01-31T23:59:59.999Z'));
    expect(entries[1]).toMatchObject({ until: Date.parse('2099-01-31T08:00:00Z'), blocks: 'all' });
    expect(feeds).toMatchObject([{ name: 'kev', every: 3_600_000, blocks: 'rollout' }]);
    expect([...clones]).toEqual([['acme/checkout', `${place.folder}/mirror.git`]]);
  });

  it.each<[string, string, RegExp]>([
    ['a tag', 'entries: [{ image: checkout:latest, reason: r, by: b }]', /:1:20 .*digest of an image/],
    ['a short commit', 'entries: [{ commit: abc1234, reason: r, by: b }]', /:1:21 .*full id of a commit/],
    ['nothing', 'entries: [{ reason: r, by: b }]', /:1:11 .*does not say what is bad/],
    ['two things', `entries: [{ commit: ${sha}, image: "${digest}", reason: r, by: b }]`, /image and commit at once/],
    ['no reason', `entries: [{ commit: ${sha}, by: b }]`, /reason is missing/],
    ['a word that is no purl', 'entries: [{ package: left-pad, reason: r, by: b }]', /:1:22 .*no purl/],
    [
      'two versions',
      'entries: [{ package: "pkg:npm/a@1.0.0", versions: ["2.0.0"], reason: r, by: b }]',
      /names others/,
    ],
    [
      'a range of pypi',
      'entries: [{ package: pkg:pypi/a, versions: "<2", reason: r, by: b }]',
      /:1:44 .*npm, cargo, golang/,
    ],
    [
      'a range that is none',
      'entries: [{ package: pkg:npm/a, versions: "not a range", reason: r, by: b }]',
      /no range/,
    ],
    [
      'versions without a package',
      `entries: [{ commit: ${sha}, versions: ["1"], reason: r, by: b }]`,
      /belong to a package/,
    ],
    ['an end that is none', `entries: [{ commit: ${sha}, reason: r, by: b, until: tomorrow }]`, /a day such as/],
    ['an end that is over', `entries: [{ commit: ${sha}, reason: r, by: b, until: 2020-01-01 }]`, /:1:\d+ .*is over/],
    ['an unknown key', 'feed: {}', /there is no "feed"/],
    ['a feed of no kind', 'feeds: { a: { kind: csv, url: "https://example.com" } }', /:1:21 .*not one of the values/],
    ['a feed elsewhere', 'feeds: { a: { kind: list, url: "file:///etc/passwd" } }', /url/],
    [
      'a range without a clone',
      `entries: [{ range: { repository: a/b, introduced: ${sha} }, reason: r, by: b }]`,
      /no clones/,
    ],
  ])('with %s is told where', async (_what, text, message) => {
    const problems = await problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });
});
