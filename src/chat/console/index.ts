import { z } from 'zod';
import { type ChatHost, defineChat } from '../../ports/chat.ts';
import { channelsOf } from './frame-data.ts';
import { hiddenByConsole } from './hides.ts';
import { createHub, hubLimits } from './hub.ts';
import { forgetCounts } from './lists/counts.ts';
import { registerConsole } from './routes.ts';

/**
 * The console: a chat platform whose messages are rows of the store, shown as web pages on Tocsin's own port. It needs no account, so it
 * is always available.
 */
export default defineChat({
  id: 'console',
  about: 'Channels, threads and cards on a page of Tocsin itself, with live output.',
  options: z.strictObject({
    maxStreams: z
      .int()
      .min(1)
      .max(10_000)
      .default(hubLimits.streams)
      .meta({ description: 'How many pages may be open and live at the same time.' }),
  }),
  capabilities: { maxText: 100_000, streams: true, editEvery: 0, immediate: true, hides: hiddenByConsole },
  async open(options, host: ChatHost) {
    const limits = { ...hubLimits, streams: options.maxStreams };
    const hub = createHub({ host, clock: host.clock, log: host.log, limits });
    const frame = host.http === null ? null : await registerConsole(host.http, host, hub);
    const stop = host.onChange(() => {
      frame?.stale();
      forgetCounts(host.store);
      hub.wake();
    });
    let closed = false;
    return {
      // The row is the message, so a delivery only updates the open pages.
      async deliver(post) {
        if (closed) throw new Error('the console is closed');
        hub.wake();
        return post.key;
      },
      channels: async () => channelsOf(host),
      members: async () => null,
      trouble: () => (host.http === null ? 'No HTTP server runs, so nobody can see the page.' : null),
      async close() {
        closed = true;
        stop();
        hub.close();
      },
    };
  },
});
