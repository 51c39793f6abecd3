import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser } from '../browser.ts';
import { type House, openHouse } from './house.ts';

/** Runs in the page: what has the focus, and whether anybody could see that it has. */
const focused = `(() => {
  const one = document.activeElement;
  // A row of a list is marked as a whole.
  const marks = [one, one.closest('.row')].filter(Boolean).map(part => getComputedStyle(part));
  const box = one.getBoundingClientRect();
  const marked = marks.some(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
  return {
    none: one === document.body || one === document.documentElement,
    name: (one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent || '').trim().replace(/\\s+/g, ' '),
    id: one.id,
    tag: one.tagName.toLowerCase(),
    card: one.closest('article')?.textContent ?? '',
    seen: marked && box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
})()`;
interface Focused {
  none: boolean;
  name: string;
  id: string;
  tag: string;
  card: string;
  seen: boolean;
}

const long = 200_000;

describe.skipIf(noBrowser)('by the keyboard alone', () => {
  let house: House;
  let page: Page;
  beforeAll(async () => {
    house = await openHouse();
    page = house.page;
  }, 120_000);
  afterAll(() => house?.close());

  const focus = () => page.evaluate(focused) as Promise<Focused>;

  /** Tab until something has the focus; on the way nothing is entered that does not show it. */
  async function tabTo(what: RegExp | ((one: Focused) => boolean), key = 'Tab'): Promise<Focused> {
    const hit = what instanceof RegExp ? (one: Focused) => what.test(one.name) : what;
    const way: string[] = [];
    for (let presses = 0; presses < 150; presses++) {
      await page.keyboard.press(key);
      const one = await focus();
      if (one.none) continue;
      way.push(one.name.slice(0, 30));
      expect(one.seen, `the focus on "${one.name}" (${one.tag}#${one.id}) is not seen`).toBe(true);
      if (hit(one)) return one;
    }
    throw new Error(`Tab never came to ${what}: ${way.join(' | ')}`);
  }

  const keepsFocus = async () => expect((await focus()).none, 'the focus is lost').toBe(false);

  it(
    'an approval is reached, asked about, given a reason and pressed',
    async () => {
      await house.goto('/approvals');
      await tabTo(/^Skip to content$/);
      await page.keyboard.press('Enter');
      await tabTo(one => one.name === 'Approve' && one.card.includes('Reboot a host'));
      await page.keyboard.press('Enter');
      await page.locator('form.confirm').waitFor();
      // The focus is on what has to be read.
      await expect.poll(async () => (await focus()).id, { timeout: 30_000 }).toMatch(/^confirm-/);
      await tabTo(/^Reason/);
      expect((await focus()).id).toMatch(/^confirm-/);
      await page.keyboard.type('I looked at web-1');
      await tabTo(one => one.tag === 'button');
      await page.keyboard.press('Enter');
      const run = await house.app.ended(house.runs.reboot);
      expect(run.state).toBe('succeeded');
      const [vote] = (await house.app.app.store.approvals({ run: run.id })).flatMap(({ votes }) => votes);
      expect(vote).toMatchObject({ person: 'bob', reason: 'I looked at web-1' });
      await page.locator('.notice').first().waitFor();
      await page.locator('form.confirm').waitFor({ state: 'detached' });
      await keepsFocus();
    },
    long,
  );

  it(
    'a log is opened, left and gone back to its end',
    async () => {
      await house.goto(`/runs/${house.runs.look}`);
      await tabTo(/full log/i);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/log**');
      await page.locator('#live-state[data-state="live"]').waitFor();
      await page.locator('.scroll').getByText('line 400').waitFor();
      const end = `(() => { const box = document.querySelector('.scroll[data-follow]'); return box.scrollHeight - box.scrollTop - box.clientHeight < 3; })()`;
      await expect.poll(() => page.evaluate(end), { timeout: 30_000 }).toBe(true);
      await tabTo(one => one.tag === 'div' && /log|lines/i.test(one.name.slice(0, 40)));
      await page.keyboard.press('PageUp');
      const jump = page.getByRole('button', { name: 'Jump to the end' });
      await jump.waitFor();
      await tabTo(/^Jump to the end$/);
      await page.keyboard.press('Enter');
      await expect.poll(() => page.evaluate(end), { timeout: 30_000 }).toBe(true);
      await keepsFocus();
    },
    long,
  );

  it(
    'alerts are searched and acknowledged in the list',
    async () => {
      await house.goto('/alerts');
      await tabTo(one => one.id === 'search');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('host=web-2');
      await page.keyboard.press('Enter');
      await page.waitForURL(/web-2/);
      await page.locator('#live-state[data-state="live"]').waitFor();
      expect(await page.locator('#alert-list > .row').count()).toBe(1);
      await tabTo(/^Select /);
      await page.keyboard.press('Space');
      await page.keyboard.press('a');
      await page.locator('#bulk-answer').getByText('1 done').waitFor();
      await house.app.until(async () =>
        (await house.app.app.store.alerts({ state: 'firing' })).some(
          one => one.labels['host'] === 'web-2' && one.acknowledgedBy !== null,
        ),
      );
      await keepsFocus();
      await tabTo(/^Skip to content$/);
    },
    long,
  );

  it(
    'the colours are changed',
    async () => {
      await house.goto('/alerts');
      await tabTo(/^Display…/);
      await page.keyboard.press('Enter');
      await tabTo(/^Colours/);
      await page.keyboard.type('Dark');
      await tabTo(/^Apply$/);
      await page.keyboard.press('Enter');
      await page.locator('html[data-theme="dark"]').waitFor();
      await page.locator('#live-state[data-state="live"]').waitFor();
      await tabTo(/^Skip to content$/);
      await tabTo(one => one.id === 'search');
    },
    long,
  );
});
