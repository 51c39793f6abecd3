import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsInEveryLook } from '../axe.ts';
import { noBrowser } from '../browser.ts';
import { type House, openHouse, storm } from './house.ts';

const long = 400_000;

/** The pages that the walk about the house does not visit; one page at a time, in four looks. */
describe.skipIf(noBrowser)('axe finds nothing serious', () => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse();
  }, 120_000);
  afterAll(() => house?.close());

  /** Faults of these addresses, each told with its address. */
  async function faultsAt(paths: readonly string[]): Promise<string[]> {
    const faults: string[] = [];
    for (const path of paths) {
      await house.goto(path);
      faults.push(...(await faultsInEveryLook(house.page, path)));
    }
    return faults;
  }

  it(
    'on a run that runs, its log, one that asks, and a channel',
    async () => {
      const { look, asks } = house.runs;
      expect(
        await faultsAt([
          `/runs/${look}`,
          `/runs/${look}/log`,
          `/runs/${look}/log?step=look&q=line&line=120`,
          `/runs/${asks}`,
          '/channels/databases',
        ]),
      ).toEqual([]);
    },
    long,
  );

  it(
    'on a press that is asked about, and on forms that are refused',
    async () => {
      const { page } = house;
      await house.goto('/approvals');
      const faults = await faultsInEveryLook(page, 'approvals');
      const card = page.locator('article', { hasText: 'Reboot a host' }).first();
      await card.getByRole('button', { name: 'Approve', exact: true }).click();
      await page.locator('form.confirm').waitFor();
      faults.push(...(await faultsInEveryLook(page, 'confirmation')));
      await house.goto('/runbooks/reboot');
      await page.getByLabel(/^host/).fill('Web 1!');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.locator('#param-host-fault').waitFor();
      faults.push(...(await faultsInEveryLook(page, 'runbook refused')));
      await house.goto(`/alerts/${house.alert}/run`);
      faults.push(...(await faultsInEveryLook(page, 'run for this alert')));
      await page.getByLabel(/^host/).fill('Web 1!');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.locator('#param-host-fault').waitFor();
      faults.push(...(await faultsInEveryLook(page, 'run for this alert refused')));
      expect(faults).toEqual([]);
    },
    long,
  );

  it(
    'on many alerts, grouped, and a search that does not parse',
    async () => {
      await storm(house.app);
      await house.app.until(async () => (await house.app.app.store.alerts({ limit: 500 })).length > 200);
      expect(
        await faultsAt([
          '/alerts',
          '/alerts?by=cluster',
          '/alerts?q=severty%3Acritical',
          '/statistics',
          '/find?q=web',
          `/find?q=${house.runs.look.slice(-6)}`,
          `/alerts/${house.alert}`,
        ]),
      ).toEqual([]);
    },
    long,
  );

  it(
    'under a halt and a file that is wrong',
    async () => {
      await house.halt(true);
      await house.breakFile();
      await house.goto('/');
      await house.page.locator('#halt-banner').waitFor();
      await house.page.locator('#problem-banner').waitFor();
      const faults = await faultsInEveryLook(house.page, 'banners');
      await house.halt(false);
      expect(faults).toEqual([]);
    },
    long,
  );

  it(
    'where one signs in, and is refused',
    async () => {
      const { page } = house;
      await house.context.clearCookies();
      await page.goto(`${house.app.app.url}/login`);
      const faults = await faultsInEveryLook(page, 'login');
      await page.getByLabel('Token').fill('nobody-has-this');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
      faults.push(...(await faultsInEveryLook(page, 'login refused')));
      expect(faults).toEqual([]);
    },
    long,
  );
});
