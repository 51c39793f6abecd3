import { LogLevel, webApi } from '@slack/bolt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SlackDouble, startSlack } from '../doubles/slack/index.ts';

/** A double that let anything through would prove nothing. */
let slack: SlackDouble;
beforeEach(async () => {
  slack = await startSlack();
});
afterEach(() => slack.close());

function client(token = slack.world.botToken) {
  return new webApi.WebClient(token, {
    slackApiUrl: `${slack.api.url()}/api/`,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logLevel: LogLevel.ERROR,
  });
}

/** How Slack refuses it, in its own word. */
async function refusal(call: Promise<unknown>): Promise<string> {
  return await call.then(
    () => 'taken',
    error => error.data?.error ?? error.code,
  );
}

const channel = 'C0ALERTS';
const modal = { type: 'modal' as const, title: { type: 'plain_text' as const, text: 'T' }, blocks: [] };

describe('the double of Slack refuses', () => {
  it('wrong tokens and missing scopes', async () => {
    expect(await refusal(client('xoxb-other').auth.test())).toBe('invalid_auth');
    expect(await refusal(client('').auth.test())).toBe('not_authed');
    expect(await refusal(client(slack.world.appToken).auth.test())).toBe('not_allowed_token_type');
    expect(await refusal(client().apps.connections.open({}))).toBe('not_allowed_token_type');
    slack.world.scopes.delete('chat:write');
    expect(await refusal(client().chat.postMessage({ channel, text: 'x' }))).toBe('missing_scope');
  });

  it('channels and threads where the bot cannot post', async () => {
    const post = (over: object) => refusal(client().chat.postMessage({ channel, text: 'x', ...over }));
    expect(await post({ channel: 'C0NONE' })).toBe('channel_not_found');
    expect(await post({ channel: 'C0ELSEWHERE' })).toBe('not_in_channel');
    expect(await post({ channel: 'C0OLD00' })).toBe('is_archived');
    // A reply to nothing is taken, and its answer names no thread: it stands in the channel.
    const outside = await client().chat.postMessage({ channel, text: 'x', thread_ts: '1.1' });
    expect(outside).toMatchObject({ ok: true, message: { text: 'x' } });
    expect(outside.message?.thread_ts).toBeUndefined();
    const inside = await client().chat.postMessage({ channel, text: 'y', thread_ts: outside.ts ?? '' });
    expect(inside.message?.thread_ts).toBe(outside.ts);
    const other = { channel, ts: '2.2' };
    expect(await refusal(client().chat.delete(other))).toBe('message_not_found');
  });

  it('messages beyond the limits', async () => {
    const post = (over: object) =>
      refusal(client().chat.postMessage({ channel, ...over } as { channel: string; text: string }));
    const text = (length: number) => ({
      type: 'rich_text',
      elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'x'.repeat(length) }] }],
    });
    const button = (over: object) => ({
      type: 'actions',
      elements: [{ type: 'button', action_id: 'a', text: { type: 'plain_text', text: 'B' }, ...over }],
    });
    expect(await post({})).toBe('no_text');
    expect(await post({ blocks: Array.from({ length: 51 }, () => text(1)) })).toBe('invalid_blocks');
    expect(await post({ blocks: [text(0)] })).toBe('invalid_blocks');
    expect(await post({ blocks: [text(7000), text(7000)] })).toBe('msg_blocks_too_long');
    expect(await post({ blocks: [button({ value: 'x'.repeat(2001) })] })).toBe('invalid_blocks');
    expect(await post({ blocks: [button({ text: { type: 'plain_text', text: 'x'.repeat(76) } })] })).toBe(
      'invalid_blocks',
    );
    expect(await post({ text: 'x', metadata: { event_type: 'a', event_payload: { deep: { er: 1 } } } })).toBe(
      'invalid_metadata_format',
    );
  });

  it('edits of messages of others, of none, and of 4,001 characters', async () => {
    const { ts = '' } = await client().chat.postMessage({ channel, text: 'x' });
    const edit = (over: object) => refusal(client().chat.update({ channel, ts, text: 'y', ...over }));
    expect(await edit({ text: 'y'.repeat(4001) })).toBe('msg_too_long');
    expect(await edit({ ts: '1.1' })).toBe('message_not_found');
    const [message] = slack.world.messages;
    if (message !== undefined) message.bot_id = 'B0OTHER';
    expect(await edit({})).toBe('cant_update_message');
  });

  it('a trigger that is unknown, old or used', async () => {
    const trigger = (at: number) => slack.world.triggers.set('t', { user: 'U0ALICE', at, used: false });
    const open = () => refusal(client().views.open({ trigger_id: 't', view: modal }));
    expect(await open()).toBe('invalid_trigger_id');
    trigger(Date.now() - 3001);
    expect(await open()).toBe('expired_trigger_id');
    trigger(Date.now());
    expect([await open(), await open()]).toEqual(['taken', 'exchanged_trigger_id']);
  });

  it('more than a tier allows, with how long to wait', async () => {
    const answers: string[] = [];
    for (let i = 0; i < 21; i++) answers.push(await refusal(client().usergroups.list()));
    expect(answers.at(-1)).toBe('slack_webapi_rate_limited_error');
    expect(new Set(answers.slice(0, 20))).toEqual(new Set(['taken']));
  });

  it('a second acknowledgement, and answers after the fifth', async () => {
    const { socket, world } = slack;
    const link = new WebSocket(`${slack.api.url().replace('http', 'ws')}/link/L1`);
    link.onmessage = ({ data }) => {
      const { envelope_id } = JSON.parse(String(data));
      if (envelope_id !== undefined) for (let i = 0; i < 2; i++) link.send(JSON.stringify({ envelope_id }));
    };
    await slack.as('U0ALICE').slash('help');
    await slack.until(() => socket.wrongAcks.length > 0, 'the wrong acknowledgement');
    link.close();
    const [id] = world.responseUrls.keys();
    const answer = () => fetch(`${slack.api.url()}/respond/${id}`, { method: 'POST', body: '{"text":"x"}' });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await answer()).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404]);
  });
});
