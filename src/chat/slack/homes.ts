import { sha256 } from '../../kernel/canonical.ts';
import type { Account } from './account.ts';
import type { SlackContext } from './context.ts';
import { tellLog } from './failure.ts';
import { publishHome, renderHome } from './home.ts';

/** Keeps the App Home pages of recent visitors current. */
export interface Homes {
  /** Shows the page after a person opened it or pressed a button on it; `notice` is the result of the press. */
  show(account: Account, notice?: Parameters<typeof renderHome>[1]): Promise<void>;
  stop(): void;
}

/** How long after the last visit a page is kept current, and the shortest time between two updates; milliseconds. */
const keptFor = 30 * 60_000;
const every = 5000;
/** The most pages kept current at one time; the least recently visited is dropped. */
const mostKept = 50;

interface Kept {
  account: Account;
  seenAt: number;
  digest: string;
}

export function createHomes(ctx: SlackContext): Homes {
  const { clock, log } = ctx.host;
  const end = new AbortController();
  const kept = new Map<string, Kept>();
  let working = false;
  let stale = false;
  const off = ctx.host.onChange(() => {
    stale = true;
    if (!working && kept.size > 0) void keepCurrent();
  });

  async function keepCurrent(): Promise<void> {
    working = true;
    while (stale && !end.signal.aborted) {
      stale = false;
      await clock.sleep(every, end.signal).catch(() => {});
      for (const one of [...kept.values()]) {
        if (end.signal.aborted) break;
        if (clock.monotonic() - one.seenAt > keptFor) kept.delete(one.account.user);
        else await refresh(one).catch(tellLog(log, 'a page of App Home was not refreshed'));
      }
    }
    working = false;
  }

  /** Publishes a page only when it changed, because the method is rate-limited. */
  async function refresh(one: Kept): Promise<void> {
    const blocks = await renderHome(one.account, null, ctx);
    const digest = sha256(JSON.stringify(blocks));
    if (digest === one.digest) return;
    await publishHome(one.account, blocks, ctx);
    one.digest = digest;
  }

  return {
    async show(account, notice = null) {
      const blocks = await renderHome(account, notice, ctx);
      await publishHome(account, blocks, ctx);
      kept.delete(account.user);
      // The digest is of the page with the notice, so the next refresh publishes it without.
      kept.set(account.user, { account, seenAt: clock.monotonic(), digest: sha256(JSON.stringify(blocks)) });
      if (kept.size > mostKept) for (const oldest of kept.keys().take(1)) kept.delete(oldest);
    },
    stop() {
      end.abort(new Error('closed'));
      off();
      kept.clear();
    },
  };
}
