import { afterEach, describe, expect, it } from 'vitest';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import { brief, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

async function put(changes: string): Promise<Place> {
  const place = await makePlace({ 'changes.yaml': changes });
  places.push(place);
  return place;
}

async function problemsOf(changes: string): Promise<string[]> {
  const place = await put(changes);
  return brief(await checkFiles(place.parts), place.folder);
}

describe('changes.yaml', () => {
  it('names whose principals are whose, and who may open a window', async () => {
    const place = await put(`
principals: { you: ["arn:aws:sts::1:assumed-role/Admin/you"] }
breakGlass: { group: sre, max: 30m, pages: [alertmanager], to: ["console:alerts"] }
claims: { by: [sam], quorum: 1 }
`);
    const catalogue = await createCatalogue(place.parts);
    await catalogue.close();
    const { changes } = catalogue.current();
    expect([...changes.principals]).toEqual([['arn:aws:sts::1:assumed-role/Admin/you', 'you']]);
    expect(changes.breakGlass).toEqual({
      by: ['sre'],
      max: 1_800_000,
      pages: ['alertmanager'],
      to: ['console:alerts'],
      mention: ['sre'],
    });
    expect(changes.claims).toEqual({ by: ['sam'], quorum: 1, expires: 3_600_000 });
  });

  it('lets nobody open a window when it is not there', async () => {
    const place = await makePlace();
    places.push(place);
    const catalogue = await createCatalogue(place.parts);
    await catalogue.close();
    expect(catalogue.current().changes).toMatchObject({ breakGlass: null, claims: null });
  });

  it.each([
    ['principals: { sm: [x] }', 'nobody called "sm"'],
    ['principals: { you: [x], sam: [x] }', 'a principal of you already'],
    ['breakGlass: { group: sre2 }', 'no group or person "sre2"'],
    ['breakGlass: { group: sre, max: 2d }', 'too short or too long'],
    ['breakGlass: { group: sre, pages: [pagerduty] }', 'no source "pagerduty"'],
    ['claims: { by: nobody }', 'no group or person "nobody"'],
    ['breakGlas: { group: sre }', 'breakGlas'],
  ])('refuses %s', async (text, says) => {
    expect((await problemsOf(text)).join('\n')).toContain(says);
  });
});
