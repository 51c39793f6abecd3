import { afterEach, describe, expect, it } from 'vitest';
import { createChannelCheck } from '../../src/app/channels.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createCatalogue } from '../../src/load/index.ts';
import type { Catalogue } from '../../src/ports/catalogue.ts';
import { createClock } from '../doubles/clock.ts';
import { config, makePlace, type Place } from '../load/place.ts';

let place: Place;
let catalogue: Catalogue;
afterEach(async () => {
  await catalogue.close();
  await place.remove();
});

const routes = (...to: string[]) => `${config}routes:\n  - to: [${to.map(one => JSON.stringify(one)).join(', ')}]\n`;

async function check(text: string, channels: () => Promise<readonly string[] | null>) {
  place = await makePlace({ 'tocsin.yaml': text });
  catalogue = await createCatalogue(place.parts);
  const clock = createClock();
  const connections = new Map([['slack', { connection: { channels } }]]);
  return { clock, made: createChannelCheck({ catalogue, connections, clock, log: silentLog }) };
}

describe('the channels of the routes', () => {
  it('an unknown one is an error with its place and the nearest name', async () => {
    const { made } = await check(routes('slack:#ops', 'slack:#paymens', 'console:any', 'slack:C0123ABCD'), async () => [
      'ops',
      '#ops',
      'payments',
      'general',
    ]);
    const error = await made.assertKnown().catch(caught => caught);
    expect(error).toMatchObject({ code: 'file-invalid' });
    expect(error.message).toContain('One channel does not exist');
    expect(error.message).toMatch(/tocsin\.yaml:7:\d+: error: slack has no channel "#paymens"/);
    expect(error.message).toContain('did you mean "slack:#payments"?');
  });

  it('the fallback is one of them', async () => {
    const { made } = await check(`${config}fallback: slack:alrets\n`, async () => ['alerts']);
    await expect(made.assertKnown()).rejects.toThrow(/6:11: error: slack has no channel "alrets"/);
  });

  it('are not known while the platform does not tell, fails or hangs: that stops nobody', async () => {
    const { made } = await check(routes('slack:#gone'), async () => null);
    await made.assertKnown();
    await place.remove();
    await catalogue.close();
    const failing = await check(routes('slack:#gone'), async () => {
      throw new Error('down');
    });
    await failing.made.assertKnown();
    await place.remove();
    await catalogue.close();
    const hanging = await check(routes('slack:#gone'), () => new Promise(() => {}));
    const asked = hanging.made.assertKnown();
    await hanging.clock.advance(5000);
    await asked;
  });

  it('after an edit an unknown one is said, and gone when it is corrected', async () => {
    const { made } = await check(routes('slack:#ops'), async () => ['ops']);
    await made.assertKnown();
    const edit = async (text: string) => {
      await place.write({ 'tocsin.yaml': text });
      await catalogue.reload();
      await new Promise(resolve => setImmediate(resolve));
      return made.trouble();
    };
    expect(await edit(routes('slack:#opps'))).toContain('slack has no channel "#opps"');
    expect(await edit(routes('slack:#ops'))).toBeNull();
    made.close();
  });
});
