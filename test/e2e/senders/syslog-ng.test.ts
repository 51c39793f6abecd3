import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { missingPrograms, programPath } from '../../real/programs.ts';
import { whenReady } from '../../real/ready.ts';
import { eventually, startProgram } from '../programs.ts';
import { openScene, shownIn } from './scene.ts';

/** A real syslog-ng with the destination of docs/senders.md, and Tocsin with its source. */

const missing = missingPrograms('syslog-ng');
const page = 'docs/senders.md';
const token = 'a token for tests';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

async function open(sent = token) {
  const scene = await openScene(cleanUp, page, { SYSLOG_TOKEN: token });
  const at = (name: string) => join(scene.folder, name);
  const destination = (key: string) =>
    shownIn(page, '# /etc/syslog-ng/conf.d/tocsin.conf', {
      'http://127.0.0.1:8080/': `${scene.app.app.url}/`,
      '<token>': key,
      'source(s_src)': 'source(s_lines)',
    });
  const write = (key: string) =>
    writeFile(
      at('syslog-ng.conf'),
      `@version: 3.38
options { keep-hostname(yes); log-msg-size(4194304); stats-freq(0); time-reopen(1); };
source s_lines { file("${at('lines')}" follow-freq(0.1)); };
filter f_crit { level(crit .. emerg); };
${destination(key)}`,
    );
  await write(sent);
  await writeFile(at('lines'), '');
  const words = [
    ...['-F', '--no-caps', '--stderr', '--verbose', '-f', at('syslog-ng.conf')],
    ...['-R', at('persist'), '-c', at('control'), '-p', at('pid')],
  ];
  const program = startProgram(programPath('syslog-ng'), words, {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: scene.folder,
  });
  cleanUp.defer(async () => void (await program.stop()));
  await whenReady(program, /syslog-ng starting up/);
  const { store } = scene.app.app;
  return {
    ...scene,
    program,
    /** Writes lines of priority user.crit. */
    log: (...lines: readonly (string | Buffer)[]) =>
      appendFile(
        at('lines'),
        Buffer.concat(
          lines.flatMap(line => [Buffer.from('<10>Nov 29 10:00:00 host-1 app: '), Buffer.from(line), newline]),
        ),
      ),
    async setToken(key: string) {
      await write(key);
      process.kill(program.pid, 'SIGHUP');
    },
    /** The titles of the notices so far, in order. */
    async titles() {
      const entries = await store.journal({ after: 0, limit: 1000, kinds: ['event.accepted'] });
      return entries.flatMap(({ fact }) => (fact.kind === 'event.accepted' ? [fact.event.body.title] : []));
    },
    async refusals() {
      const entries = await store.journal({ after: 0, limit: 1000, kinds: ['source.refused'] });
      return entries.flatMap(({ fact }) => (fact.kind === 'source.refused' ? [fact.code] : []));
    },
  };
}

const newline = Buffer.from('\n');

describe.skipIf(missing !== null)('syslog-ng', { timeout: 180_000 }, () => {
  test('each line is a message, whatever is in it', async () => {
    const { log, titles, app } = await open();
    const text = 'say "x" and \'y\' `id` $HOME & <b> C:\\temp\\new größe 日本';
    await log(text, Buffer.from('gr\xf6\xdfe', 'latin1'), 'the last');
    await eventually('all lines are there', async () => ((await titles()).length >= 3 ? true : null));
    expect(await titles()).toEqual([`host-1: ${text}`, 'host-1: gr\\xf6\\xdfe', 'host-1: the last']);
    await eventually('all lines are posted', async () => {
      const posts = await app.app.store.posts({ platform: 'console', thread: null, limit: 100 });
      const cards = posts.map(({ card }) => card.title);
      return ['the last', text].every(words => cards.includes(`host-1: ${words}`)) ? true : null;
    });
  });

  test('a burst of long lines arrives whole, and a line longer than Tocsin takes is given up for those behind it', async () => {
    const { log, titles, refusals } = await open();
    const long = Array.from({ length: 30 }, (_, index) => `long ${index} ${'x'.repeat(50_000)}`);
    await log(...long, 'behind the long ones');
    const words = async () => (await titles()).map(title => title.split(' ').slice(1, 3).join(' '));
    await eventually('the burst is there', async () => ((await words()).includes('behind the') ? true : null));
    expect(await words()).toEqual([...long.map((_, index) => `long ${index}`), 'behind the']);
    await log('y'.repeat(2 * 1024 * 1024));
    await eventually('the line is refused', async () => ((await refusals()).length > 0 ? true : null));
    await log('behind the refused one');
    await eventually('the next one is there', async () => ((await words()).length > long.length + 1 ? true : null));
    expect((await titles()).at(-1)).toBe('host-1: behind the refused one');
    expect(await refusals()).toEqual(['body-too-large']);
  });

  test('what a wrong token kept back arrives once the token is right', async () => {
    const { log, titles, program, setToken } = await open('another token');
    await log('while it was wrong');
    await program.says(/401/);
    await setToken(token);
    await log('behind it');
    await eventually('both are there', async () => ((await titles()).length >= 2 ? true : null));
    expect(await titles()).toEqual(['host-1: while it was wrong', 'host-1: behind it']);
  });
});
