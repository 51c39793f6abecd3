import { existsSync } from 'node:fs';

/** The browser of the tests of the console; where it is missing they are left out, except where CI says that nothing may be. */
export const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
export const noBrowser = !existsSync(chromiumPath);
if (noBrowser && process.env['CI'] === 'true')
  throw new Error(`${chromiumPath} is not there; run scripts/setup-test.sh as root`);
if (noBrowser)
  console.warn(
    `the console's browser tests did not run: ${chromiumPath} is not there; run scripts/setup-test.sh as root`,
  );

/** Runs in the page: how many pixels it is wider than the screen. */
export const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

/** Runs in the page: buttons, fields and links that a screen reader could not name. */
export const namelessControls = `
  [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, summary')]
    .filter(one => one.textContent.trim() === '' && !one.hasAttribute('aria-label') && !(one.labels?.length > 0))
    .map(one => one.outerHTML.slice(0, 200))`;
