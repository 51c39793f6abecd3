import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { basicConfig, startTestApp } from '../doubles/app.ts';

it('what is wrong with a secret in tocsin.yaml is said on /readyz without the secret', async () => {
  const app = await startTestApp({});
  const options = `{ secret: "\${NOWHERE}", apiToken: [hidden-1], app: { id: none, key: "hidden-2" }, sekret: 1 }`;
  const text = basicConfig.replace('sources:\n', `sources:\n  github: ${options}\n`);
  await writeFile(join(app.folder, 'tocsin.yaml'), text);
  await app.app.catalogue.reload();
  const { problems } = (await app.call('GET', '/readyz', { as: null })).body;
  await app.stop();
  expect(JSON.stringify(problems)).not.toContain('hidden');
  const given = problems.map((one: { message: string; given?: string }) => [one.message, one.given]);
  expect(given).toContainEqual([expect.stringContaining('apiToken has the wrong type'), undefined]);
  expect(given).toContainEqual([expect.stringContaining('app.key'), undefined]);
  expect(given).toContainEqual([expect.stringContaining('app.id'), 'none']);
});
