import { getEventListeners } from 'node:events';
import { SocketModeReceiver } from '@slack/bolt';
import { expect, it } from 'vitest';
import { clientOptions, quietLogger } from '../../src/chat/slack/client.ts';
import { keepConnected } from '../../src/chat/slack/socket.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createHostDouble } from '../doubles/chat-host.ts';
import { startSlack } from '../doubles/slack/index.ts';

it('a connection that is refused or closed again and again leaves no listeners behind', async () => {
  const slack = await startSlack();
  const end = new AbortController();
  let pauses = 0;
  const clock = {
    ...systemClock,
    sleep(ms: number, signal?: AbortSignal) {
      // The pauses between tries, not the time-outs.
      if (signal !== end.signal) return systemClock.sleep(ms, signal);
      pauses += 1;
      if (pauses >= 8) end.abort(new Error('enough'));
      return Promise.resolve();
    },
  };
  const double = await createHostDouble({ clock, env: slack.env });
  const { host } = double;
  const receiver = new SocketModeReceiver({
    appToken: slack.env['SLACK_APP_TOKEN'] ?? '',
    autoReconnectEnabled: false,
    logger: quietLogger(host.log),
    installerOptions: { clientOptions: clientOptions(host) },
  });
  const session = { ready: () => Promise.reject(new Error('unused')), current: () => null, trouble: () => null };
  const before = receiver.client.listenerCount('disconnected');
  slack.api.faults.add('apps.connections.open', { kind: 'error', error: 'internal_error' }, 4);
  const kept = keepConnected(receiver, host, { ...session, report() {} }, end.signal);
  const most = { disconnected: 0, abort: 0 };
  while (!end.signal.aborted) {
    most.disconnected = Math.max(most.disconnected, receiver.client.listenerCount('disconnected') - before);
    most.abort = Math.max(most.abort, getEventListeners(end.signal, 'abort').length);
    slack.socket.cut();
    await systemClock.sleep(5);
  }
  await kept;
  // One of ours, and one of the SDK while it starts.
  expect(most.disconnected).toBeLessThanOrEqual(2);
  expect(most.abort).toBeLessThanOrEqual(1);
  await double.close();
  await slack.close();
}, 20_000);
