import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { shortcutCallback } from '../../src/chat/slack/receive.ts';
import { botScopes } from '../../src/chat/slack/session.ts';
import { samplePost } from '../contracts/samples.ts';
import { openSlackHarness, type SlackHarness } from './slack-harness.ts';

const manifest = parse(readFileSync(join(import.meta.dirname, '../../deploy/slack-manifest.yaml'), 'utf8'));

let harness: SlackHarness | null = null;
afterEach(() => harness?.close());

it('the manifest has exactly the scopes that are used', async () => {
  harness = await openSlackHarness();
  const { slack, connection } = harness;
  const alice = slack.as('U0ALICE');
  const inChannel = (channel: string, key: string) => samplePost({ channel, key, createdAt: Date.now() });
  // Everything that needs a scope, once: the double writes down what Slack would ask for.
  await harness.show(inChannel('alerts', 'alert/a/1'), inChannel('secret', 'alert/b/1'));
  for (const [channel, key] of [
    ['alerts', 'alert/c/1'],
    ['secret', 'alert/d/1'],
  ] as const) {
    slack.api.faults.add('chat.postMessage', { kind: 'answer-lost' });
    await connection.deliver(inChannel(channel, key)).catch(() => {});
    await connection.deliver(inChannel(channel, key));
  }
  await connection.upload?.(samplePost({ key: 'log/run_1', thread: 'alert/a/1' }), { name: 'x.log', text: 'x' });
  await connection.members('sre');
  await alice.slash('help');
  await alice.mention('help', 'C0ALERTS');
  await slack.until(
    () => slack.world.needed.has('users:read') && slack.world.needed.has('reactions:write'),
    'the scopes',
  );
  const scopes: string[] = manifest.oauth_config.scopes.bot;
  expect([...slack.world.needed].filter(scope => scope !== 'connections:write').sort()).toEqual([...scopes].sort());
  expect(Object.keys(botScopes).sort()).toEqual([...scopes].sort());
});

it('the manifest names what is listened for, within the limits of Slack', () => {
  expect(manifest.features.shortcuts[0].callback_id).toBe(shortcutCallback);
  expect(manifest.features.shortcuts[0].name.length).toBeLessThanOrEqual(24);
  expect(manifest.features.slash_commands).toMatchObject([{ command: '/tocsin', should_escape: false }]);
  const source = readFileSync(join(import.meta.dirname, '../../src/chat/slack/receive.ts'), 'utf8');
  const events = [...source.matchAll(/app\.event\('([a-z_]+)'/g)].map(match => match[1]);
  expect([...manifest.settings.event_subscriptions.bot_events].sort()).toEqual(events.sort());
  expect(manifest.settings.interactivity.is_enabled).toBe(true);
  expect(manifest.display_information.description.length).toBeLessThanOrEqual(140);
});
