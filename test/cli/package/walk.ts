import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { openSession, plainText } from '../../journey/console-page.ts';
import { ready, root, start } from '../process.ts';

export const tsRunbook = `import { defineRunbook, z } from 'tocsin';
import { word } from './lib/word.ts';

export default defineRunbook({
  title: 'Say a word',
  risk: 'none',
  params: z.object({ to: z.string().default('you') }),
  async run({ step, params }) {
    await step.exec('say', ['echo', word + ' from TypeScript to ' + params.to]);
  },
});
`;

export const ownCommand = `import { answer, defineCommand, nameOf } from 'tocsin';

export default defineCommand({
  id: 'whoami',
  about: 'Says as whom you act here.',
  usage: 'whoami',
  args: [],
  examples: ['whoami'],
  async run({ who }) {
    return answer({ title: 'You act as ' + nameOf(who), blocks: [] });
  },
});
`;

const environment = {
  PATH: `${join(root, 'node_modules/.bin')}:/usr/local/bin:/usr/bin:/bin`,
  YOU_TOKEN: 'a-token-of-yours',
};

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs an installed command, as a shell does. */
export function tocsin(
  command: string,
  cwd: string,
  words: string[],
  more: Record<string, string> = {},
): Promise<Ended> {
  return new Promise(resolve =>
    execFile(command, words, { cwd, env: { ...environment, ...more } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    ),
  );
}

/** The first hour with an installed command, which init is to name by `word`, in a folder of its own: init, check, test, start, a run and a command in TypeScript. */
export async function walkFirstHour(command: string, home: string, word: string): Promise<void> {
  mkdirSync(home);
  const made = await tocsin(command, home, ['init', 'mine'], { PATH: `${dirname(command)}:${environment.PATH}` });
  expect([made.code, made.err]).toEqual([0, expect.stringMatching(new RegExp(`\\n {2}cd mine\\n {2}${word} check `))]);
  const mine = join(home, 'mine');
  addOwnFiles(mine);
  const checked = await tocsin(command, mine, ['check', '--strict']);
  expect(checked).toEqual({ code: 0, out: '', err: '0 errors, 0 warnings.\n' });
  const tested = await tocsin(command, mine, ['test']);
  expect([tested.code, tested.out], tested.err).toEqual([0, expect.stringContaining('2 passed, 0 failed')]);

  const process = start(mine, { command: [command, 'start'], env: environment });
  const { url } = await ready(process);
  const talk = { TOCSIN_URL: url, TOCSIN_TOKEN: environment.YOU_TOKEN };
  const ran = await tocsin(command, mine, ['run', 'say', 'to=everybody'], talk);
  expect([ran.code, ran.out], ran.err).toEqual([0, 'Hello from TypeScript to everybody\n']);
  // The code of a run is what was stored, and imports `tocsin` from there.
  const stored = readdirSync(join(mine, 'data/snapshots'), { recursive: true, encoding: 'utf8' });
  expect(stored.filter(path => path.endsWith('say.ts'))).toHaveLength(1);
  expect(await answerOf(url, 'whoami')).toContain('You act as you');
  const sheet = await fetch(`${url}/console/static/console.css`);
  expect([sheet.status, (await sheet.text()).length > 1000]).toEqual([200, true]);
  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(0);
  expect(process.err()).not.toContain('Warning');
}

function addOwnFiles(mine: string) {
  const config = readFileSync(join(mine, 'tocsin.yaml'), 'utf8');
  const tokens = 'tokens: [{ env: YOU_TOKEN, person: you }]';
  writeFileSync(join(mine, 'tocsin.yaml'), `${config}\n${tokens}\ncommands: ./commands\n`);
  for (const part of ['runbooks/lib', 'commands']) mkdirSync(join(mine, part));
  writeFileSync(join(mine, 'runbooks/lib/word.ts'), `export const word: string = 'Hello';\n`);
  writeFileSync(join(mine, 'runbooks/say.ts'), tsRunbook);
  writeFileSync(join(mine, 'commands/whoami.ts'), ownCommand);
}

/** What the console answers to a command. */
async function answerOf(url: string, line: string): Promise<string> {
  const session = await openSession(url, environment.YOU_TOKEN);
  const answer = await fetch(`${url}/console/command`, {
    method: 'POST',
    headers: { cookie: session.cookie, origin: url, 'hx-request': 'true' },
    body: new URLSearchParams({ csrf: session.csrf, channel: 'alerts', line }),
  });
  return plainText(await answer.text());
}
