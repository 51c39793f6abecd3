import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { namelessControls, tooWide } from './browser.ts';

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe-core finds that is serious or critical on the page as it is now, one text for each element. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // The page's own policy allows no script of others; this one comes from the tools of the browser.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: Violation[];
  };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes
        .slice(0, 5)
        .map(
          node =>
            `${id}: ${node.html.slice(0, 200)} ${(node.failureSummary ?? '').replaceAll('\n', ' ').slice(0, 200)}`,
        ),
    );
}

/** Levels of headings that are left out: after an h1 comes an h2. */
export const skippedHeadings = `
  [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
    .map(one => ({ level: Number(one.tagName[1]), text: one.textContent.trim().slice(0, 60) }))
    .filter((one, index, all) => one.level > (index === 0 ? 1 : all[index - 1].level + 1))
    .map(one => 'h' + one.level + ' ' + one.text)`;

const looks = [
  { name: 'desktop, light', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'desktop, dark', width: 1280, height: 800, colorScheme: 'dark' },
  { name: 'phone, dark', width: 390, height: 780, colorScheme: 'dark' },
  { name: 'phone, light', width: 390, height: 780, colorScheme: 'light' },
] as const;

/**
 * Everything that is wrong with the page as it stands, everything that can be opened open: on a desktop and a phone, light and dark.
 * `SHOTS=<folder>` keeps a picture of each.
 */
export async function faultsInEveryLook(page: Page, name: string): Promise<string[]> {
  const faults: string[] = [];
  await page.evaluate(`for (const one of document.querySelectorAll('main details, .banners details')) one.open = true`);
  for (const { name: look, width, height, colorScheme } of looks) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    const found = [
      ...(await seriousFaults(page)),
      ...((await page.evaluate(skippedHeadings)) as string[]).map(fault => `skipped to ${fault}`),
      ...((await page.evaluate(namelessControls)) as string[]).map(fault => `nameless ${fault}`),
    ];
    if ((await page.evaluate(tooWide)) !== 0) found.push('wider than the screen');
    faults.push(...found.map(fault => `${name} (${look}): ${fault}`));
    const folder = process.env['SHOTS'];
    const file = `${name}-${look}`.replaceAll(/\W+/g, '-');
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${file}.png`, fullPage: true });
  }
  return faults;
}
