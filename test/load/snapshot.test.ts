import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { makePlace } from './place.ts';

const native = fileURLToPath(new URL('./native.ts', import.meta.url));

it('gives an edited import a new plan, and goes on with the old code where a run has begun', async () => {
  const place = await makePlace({
    'tocsin.yaml': '{}\n',
    'policy.yaml': 'rules: []\n',
    'runbooks/a.ts': `import { defineRunbook } from 'tocsin';
import { word } from './lib/words.ts';

export default defineRunbook({
  title: 'Say a word',
  risk: 'none',
  async run({ step }) {
    await step.exec('say', ['echo', word]);
  },
});
`,
    'runbooks/lib/words.ts': "export const word = 'old';\n",
  });
  const { stdout } = await promisify(execFile)(process.execPath, [native, place.folder], { timeout: 25_000 });
  await place.remove();
  const old = { argv: ['echo', 'old'] };
  expect(JSON.parse(stdout)).toEqual({
    files: ['a.ts', 'lib/words.ts'],
    first: old,
    // A broken edit keeps the last good set.
    broken: { says: old, problems: [expect.stringContaining('the runbook does not load')] },
    after: { argv: ['echo', 'new'] },
    sameHash: false,
    old,
    // The folder may even be gone.
    again: old,
    tampered: expect.stringContaining('lib/words.ts is not what was approved'),
    missing: expect.stringContaining('is missing'),
  });
});
