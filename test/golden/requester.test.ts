import { afterEach, beforeEach, expect, test } from 'vitest';
import { tokens } from '../doubles/app.ts';
import { articlesOf, buttonsOf, openSession, plainText } from '../journey/console-page.ts';
import { threadPath } from './capture.ts';
import { approvalOf } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

test('who asked for a run finds no vote in the console, and is refused privately in chat', async () => {
  const run = await stage.ask('rita', 'reboot-host', { host: 'web-1' }, 'it hangs');
  const posts = await stage.shown(approvalOf(run));
  const post = posts.get('console');
  if (post === undefined) throw new Error('the card is not in the console');
  const seenBy = async (who: 'alice' | 'rita', path: string) => {
    const { at, cookie } = await openSession(stage.app.app.url, tokens[who.toUpperCase()] ?? '');
    const page = await (await fetch(at + path, { headers: { cookie } })).text();
    return articlesOf(page).find(one => one.includes('approvals missing')) ?? '';
  };
  for (const path of [threadPath(post), '/approvals']) {
    expect(buttonsOf(await seenBy('alice', path))).toContain('Deny');
    const own = await seenBy('rita', path);
    expect(buttonsOf(own)).not.toContain('Deny');
    expect(buttonsOf(own)).not.toContain('Approve');
    expect(plainText(own)).toContain('You asked for this, so others vote on it.');
  }
  const chat = JSON.stringify(posts.get('slack')?.card.blocks);
  expect(chat).toContain('not rita, who asked');
  const vote = { vote: 'approve', reason: 'mine' };
  const path = `/api/v1/approvals/${run.approval}/votes`;
  expect((await stage.app.call('POST', path, { as: 'RITA', body: vote })).status).toBe(403);
}, 120_000);
