import { startRoad } from '../flow/alert.ts';
import { startDelivery } from '../flow/deliver.ts';
import { type OriginService, startOrigins } from '../flow/origin.ts';
import { recoverAll, type Sweeper, startSweeper, voidEdited } from '../flow/recover.ts';
import { startThreads } from '../flow/thread.ts';
import { startTickers, type Tickers } from '../flow/tick.ts';
import type { Base } from './base.ts';
import { linksTo } from './links.ts';
import type { Connections } from './platforms.ts';

export interface Running {
  stopAll(): Promise<void>;
  tickers: Tickers;
  sweeper: Sweeper;
  origin: OriginService;
}

export async function startRunning(base: Base, connections: Connections): Promise<Running> {
  base.dispatcher.start(run => base.engine.work(run));
  const capabilities = new Map([...connections].map(([id, entry]) => [id, entry.platform.capabilities]));
  const baseUrl = () => base.address.url;
  const threads = await startThreads({ ...base, platforms: () => capabilities, baseUrl });
  for (const [platform, entry] of connections)
    entry.delivery = startDelivery({
      ...base,
      platform,
      connection: entry.connection,
      platforms: () => capabilities,
      baseUrl,
    });
  await recoverAll(base);
  const road = await startRoad(base);
  const sweeper = startSweeper(base);
  const origin = await startOrigins({ ...base, links: (run, alert) => linksTo(run, alert, base, connections) });
  base.live.origin = () => origin.trouble();
  const tickers = await startTickers(base);
  const off = base.catalogue.onChange(() => {
    voidEdited(base).catch(error =>
      base.log.error(
        { err: error },
        'approvals of edited runbooks could not be voided; votes on them are refused all the same',
      ),
    );
    void tickers.reload();
    void origin.reload();
  });
  return {
    tickers,
    sweeper,
    origin,
    async stopAll() {
      off();
      await sweeper.stop();
      await road.stop();
      await origin.stop();
      await threads.caughtUp();
      await threads.stop();
      for (const { delivery } of connections.values()) await delivery?.stop();
    },
  };
}
