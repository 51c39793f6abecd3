/**
 * Plays the golden cards, and shows them as people see them: `npm run cards [-- <folder> <part of a name>]` writes pictures of all three
 * platforms with what each was sent; `npm run cards -- --renew` writes what is committed under test/fixtures/cards. Needs Chromium.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { html } from '../src/kernel/html.ts';
import { tokens } from '../test/doubles/app.ts';
import { type Captured, capture, filesOf, scenes, threadPath } from '../test/golden/capture.ts';
import type { Scene } from '../test/golden/scene.ts';
import { drawDiscord, drawDiscordModal } from './cards/discord.ts';
import { pageOf } from './cards/sheet.ts';
import { drawSlack, drawSlackModal } from './cards/slack.ts';

const renew = process.argv.includes('--renew');
const [folder = 'cards-out', only = ''] = process.argv.slice(2).filter(one => one !== '--renew');
const golden = join(import.meta.dirname, '../test/fixtures/cards');

const browser = renew
  ? null
  : await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
try {
  for (const scene of scenes.filter(one => one.name.includes(only))) {
    const place = join(renew ? golden : folder, scene.name);
    await mkdir(place, { recursive: true });
    await capture(scene, async captured => {
      for (const [name, text] of Object.entries(filesOf(captured.shot))) await writeFile(join(place, name), text);
      if (browser !== null) await draw(browser, scene, captured, place);
    });
    console.log(`${scene.name}: ${scene.about}`);
  }
} finally {
  await browser?.close();
}

async function draw(browser: Browser, scene: Scene, { stage, posts, shot }: Captured, place: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 720, height: 500 } });
  const take = (name: string) => page.screenshot({ path: join(place, `${name}.png`), fullPage: true });
  const { slack, discord } = shot.confirm;
  await page.setContent(pageOf(html`${drawSlack(shot.slack)}${slack !== null && drawSlackModal(slack)}`, false));
  await take('slack');
  await page.setContent(
    pageOf(html`${drawDiscord(shot.discord)}${discord !== null && drawDiscordModal(discord)}`, true),
  );
  await take('discord');
  const post = posts.get('console');
  const { url } = stage.app.app;
  await page.goto(`${url}/login`);
  await page.locator('input[name=token]').fill(tokens[scene.reader.toUpperCase()] ?? '');
  await page.locator('form button').first().click();
  if (post !== undefined) await page.goto(url + threadPath(post));
  await take('console');
  await page.close();
}
