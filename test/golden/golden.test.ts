import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { capture, filesOf, scenes } from './capture.ts';

const folder = join(import.meta.dirname, '../fixtures/cards');

/** Twenty-four cards, as they leave on three platforms. Whoever changes a card looks at all of them: `npm run cards` makes pictures. */
describe('golden cards', () => {
  for (const scene of scenes)
    test(`${scene.name}: ${scene.about}`, async () => {
      const files = filesOf(await capture(scene, async ({ shot }) => shot));
      const place = join(folder, scene.name);
      for (const [name, text] of Object.entries(files)) {
        const golden = await readFile(join(place, name), 'utf8').catch(() => '');
        expect(text, `${scene.name}/${name} is not what it was; if that is meant, npm run cards -- --renew`).toBe(
          golden,
        );
      }
    }, 120_000);
});
