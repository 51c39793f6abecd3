import axe from 'axe-core';
import type { Page } from 'playwright-core';

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
