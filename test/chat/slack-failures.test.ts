import { afterEach, describe, expect, it } from 'vitest';
import { isCode, TocsinError } from '../../src/kernel/errors.ts';
import { samplePost } from '../contracts/samples.ts';
import { readable, startSlack } from '../doubles/slack/index.ts';
import { openSlackHarness, type SlackHarness } from './slack-harness.ts';

let harness: SlackHarness;
afterEach(() => harness.close());

const root = () => samplePost({ channel: '#alerts', createdAt: Date.now() });
const reply = (n: number) =>
  samplePost({ channel: '#alerts', key: `note/${n}/0`, thread: root().key, order: n, createdAt: Date.now() });

async function failing(work: Promise<unknown>): Promise<TocsinError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TocsinError)) throw new Error(`it should have failed: ${String(error)}`);
  return error;
}

describe('a call that goes wrong is told in the words of the port', () => {
  it('a limit, with how long it holds and what it is about', async () => {
    harness = await openSlackHarness();
    const { faults } = harness.slack.api;
    await harness.double.put(root());
    faults.add('chat.postMessage', { kind: 'limited', retryAfter: 7 });
    const post = await failing(harness.connection.deliver(root()));
    expect([post.code, post.retryAfter, post.at]).toEqual(['chat-limited', 7000, 'channel #alerts']);
    await harness.connection.deliver(root());
    faults.add('chat.update', { kind: 'limited', retryAfter: 2 });
    const stored = await harness.double.store.post('console', root().key);
    const edit = await failing(harness.connection.deliver({ ...root(), ref: stored?.ref ?? null }));
    expect([edit.code, edit.retryAfter, edit.at]).toEqual(['chat-limited', 2000, 'method chat.update']);
  });

  it('a server or a line that is down', async () => {
    harness = await openSlackHarness();
    for (const fault of [
      { kind: 'status', status: 503 },
      { kind: 'cut' },
      { kind: 'error', error: 'internal_error' },
    ] as const) {
      harness.slack.api.faults.add('chat.postMessage', fault);
      expect((await failing(harness.connection.deliver(root()))).code).toBe('chat-down');
    }
  });

  it('a channel that does not take it, with what to do', async () => {
    harness = await openSlackHarness();
    const inChannel = (channel: string) => failing(harness.connection.deliver({ ...root(), channel }));
    const outside = await inChannel('#elsewhere');
    expect([outside.code, outside.at]).toEqual(['chat-refused', 'channel #elsewhere']);
    expect(outside.remedy).toContain('/invite');
    const typo = await inChannel('#alrets');
    expect([typo.code, typo.at]).toEqual(['chat-refused', 'channel #alrets']);
    expect(typo.message).toContain('Did you mean "alerts"?');
    expect((await inChannel('C0OLD00')).message).toContain('is_archived');
  });

  it('a message whose form Slack does not take is shown without its blocks, with its buttons', async () => {
    harness = await openSlackHarness();
    const does = { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_1' } };
    const buttons = [{ label: 'Acknowledge', style: 'plain' as const, reason: 'none' as const, does }];
    const post = {
      ...root(),
      card: { ...root().card, buttons, blocks: [{ kind: 'text' as const, text: 'odd' }] },
    };
    harness.slack.api.faults.add('chat.postMessage', { kind: 'error', error: 'invalid_blocks' });
    await harness.show(post);
    const text = readable(harness.slack.world.messages[0]);
    expect(text).toMatch(/Disk is full[\s\S]*See the console[\s\S]*\[Acknowledge\]/);
    expect(text).not.toContain('odd');
    expect(harness.slack.world.messages).toHaveLength(1);
  });

  it('a thread whose root was never posted or was deleted, and nothing of it stays in the channel', async () => {
    harness = await openSlackHarness();
    expect((await failing(harness.connection.deliver(reply(2), root()))).code).toBe('chat-root-gone');
    await harness.show(root());
    harness.slack.world.messages.length = 0;
    expect((await failing(harness.connection.deliver(reply(2)))).code).toBe('chat-root-gone');
    expect(harness.slack.world.messages).toEqual([]);
    // A late reply is looked for first, and there is nothing to look in.
    const late = { ...reply(3), createdAt: Date.now() - 60_000 };
    expect((await failing(harness.connection.deliver(late))).code).toBe('chat-root-gone');
    expect((await failing(harness.connection.upload(reply(4), { name: 'x.log', text: 'x' }))).code).toBe(
      'chat-root-gone',
    );
  });

  it('a root that was posted anew is another message, also to whoever looks for it', async () => {
    harness = await openSlackHarness();
    await harness.show(root());
    const anew = { ...root(), renewed: 1 };
    harness.slack.api.faults.add('chat.postMessage', { kind: 'answer-lost' });
    expect((await failing(harness.connection.deliver(anew))).code).toBe('chat-down');
    expect(await harness.connection.deliver(anew)).toBe(`C0ALERTS/${harness.slack.world.messages[1]?.ts}`);
    expect(harness.slack.world.messages).toHaveLength(2);
  });
});

describe('after a lost answer', () => {
  it('the message is found again and not posted twice, root and reply', async () => {
    harness = await openSlackHarness();
    const { slack } = harness;
    for (const post of [root(), reply(2)]) {
      await harness.double.put(post);
      slack.api.faults.add('chat.postMessage', { kind: 'answer-lost' });
      expect((await failing(harness.connection.deliver(post))).code).toBe('chat-down');
      // What it looks with fails as well: it does not post blindly then.
      slack.api.faults.add(post.thread === null ? 'conversations.history' : 'conversations.replies', { kind: 'cut' });
      expect((await failing(harness.connection.deliver(post))).code).toBe('chat-down');
      await harness.connection.deliver(post);
    }
    expect(slack.world.messages).toHaveLength(2);
    expect(slack.world.messages[1]?.thread_ts).toBe(slack.world.messages[0]?.ts);
  });

  it('a post that had no effect is posted', async () => {
    harness = await openSlackHarness();
    harness.slack.api.faults.add('chat.postMessage', { kind: 'cut' });
    await failing(harness.connection.deliver(root()));
    await harness.connection.deliver(root());
    expect(harness.slack.world.messages).toHaveLength(1);
  });

  it('what an earlier process posted without writing it down is found', async () => {
    const slack = await startSlack();
    const first = await openSlackHarness({ slack });
    await first.connection.deliver(root());
    await first.connection.close();
    await first.double.close();
    harness = await openSlackHarness({ slack });
    const late = { ...root(), createdAt: Date.now() - 60_000 };
    await harness.double.put(late);
    await harness.connection.deliver({ ...late, card: { ...late.card, badge: 'found' } });
    expect(slack.world.messages).toHaveLength(1);
    expect(readable(slack.world.messages[0])).toContain('found');
  });

  it('a message that somebody deleted is posted anew', async () => {
    harness = await openSlackHarness();
    await harness.show(root());
    harness.slack.world.messages.length = 0;
    const stored = await harness.double.store.post('console', root().key);
    const ref = await harness.connection.deliver({ ...root(), ref: stored?.ref ?? null });
    expect(ref).not.toBe(stored?.ref);
    expect(harness.slack.world.messages).toHaveLength(1);
  });
});

describe('the connection', () => {
  it('connects anew when it is cut or asked to, and hears what is pressed then', async () => {
    harness = await openSlackHarness();
    const { socket, api } = harness.slack;
    const opened = () => api.calls.filter(call => call.method === 'apps.connections.open').length;
    for (const [turn, drop] of [socket.cut, socket.refresh, socket.cut].entries()) {
      // The address of the next link cannot be had at once: the SDK alone would end the process here.
      if (turn === 2) api.faults.add('apps.connections.open', { kind: 'cut' });
      const before = opened();
      drop();
      await harness.slack.until(() => opened() > before && socket.links() === 1, 'a new link');
    }
    const before = harness.slack.world.told.length;
    await harness.slack.as('U0ALICE').slash('help');
    expect((await harness.slack.toldTo('U0ALICE', before)).text).toContain('run');
    await harness.slack.until(() => harness.connection.trouble() === null, 'no trouble');
  });

  it('is tried again when links are refused, and ends at once when it is closed meanwhile', async () => {
    const slack = await startSlack();
    slack.socket.refuse = true;
    harness = await openSlackHarness({ slack, linked: false });
    await slack.until(() => harness.connection.trouble()?.includes('Socket Mode'), 'the trouble');
    await harness.connection.deliver(root());
    slack.socket.refuse = false;
    await slack.socket.linked();
    await slack.until(() => harness.connection.trouble() === null, 'no trouble');
    slack.socket.refuse = true;
    slack.socket.cut();
    await slack.until(() => harness.connection.trouble() !== null, 'the next trouble');
  });

  it('says which token is wrong and where to find it, and is well when it is right', async () => {
    const slack = await startSlack();
    slack.world.botToken = 'xoxb-another';
    harness = await openSlackHarness({ slack, linked: false });
    await slack.until(() => harness.connection.trouble(), 'the trouble');
    expect(harness.connection.trouble()).toMatch(/SLACK_BOT_TOKEN \(invalid_auth\)[\s\S]*OAuth & Permissions/);
    expect(isCode(await failing(harness.connection.deliver(root())), 'chat-down')).toBe(true);
    slack.world.botToken = slack.env['SLACK_BOT_TOKEN'] ?? '';
    await harness.connection.deliver(root());
    await slack.socket.linked();
    expect(harness.connection.trouble()).toBeNull();
  });

  it('says that the app token is wrong, or lacks its scope, and goes on posting', async () => {
    const slack = await startSlack();
    slack.world.appScopes.clear();
    harness = await openSlackHarness({ slack, linked: false });
    await slack.until(() => harness.connection.trouble(), 'the trouble');
    expect(harness.connection.trouble()).toMatch(/connections:write[\s\S]*SLACK_APP_TOKEN/);
    await harness.connection.deliver(root());
    slack.world.appScopes.add('connections:write');
    await slack.socket.linked();
    await slack.until(() => harness.connection.trouble() === null, 'no trouble');
  });

  it('names the scopes that are missing before anything needs them', async () => {
    const slack = await startSlack();
    slack.world.scopes.delete('files:write');
    slack.world.scopes.delete('usergroups:read');
    harness = await openSlackHarness({ slack });
    expect(harness.connection.trouble()).toMatch(/files:write \(full logs\), usergroups:read/);
  });

  it('says what to set when nothing can be heard', async () => {
    harness = await openSlackHarness({ env: { SLACK_APP_TOKEN: '' }, linked: false });
    await harness.connection.deliver(root());
    expect(harness.connection.trouble()).toMatch(/SLACK_APP_TOKEN[\s\S]*SLACK_SIGNING_SECRET/);
  });
});

describe('people and groups', () => {
  it('members of a user group by handle or id, null for none, and an error while Slack is down', async () => {
    harness = await openSlackHarness();
    expect(await harness.connection.members('sre')).toEqual(['T0ACME/U0ALICE', 'T0ACME/U0BOB']);
    expect(await harness.connection.members('S0SRE')).toEqual(['T0ACME/U0ALICE', 'T0ACME/U0BOB']);
    expect(await harness.connection.members('nobody')).toBeNull();
    harness.slack.api.faults.add('usergroups.users.list', { kind: 'cut' });
    expect((await failing(harness.connection.members('sre'))).code).toBe('chat-down');
  });

  it('somebody whom Slack cannot vouch for now is refused; whom it vouched for just before, is not', async () => {
    harness = await openSlackHarness();
    const does = { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_1' } };
    const post = {
      ...root(),
      card: {
        ...root().card,
        buttons: [{ label: 'Acknowledge', style: 'plain' as const, reason: 'none' as const, does }],
      },
    };
    await harness.show(post);
    await harness.press('U0ALICE', post, 'Acknowledge');
    harness.slack.api.faults.add('users.info', { kind: 'status', status: 500 }, 2);
    await harness.press('U0BOB', post, 'Acknowledge');
    expect(harness.double.acts.map(({ who }) => who.kind)).toEqual(['person', 'stranger']);
  });

  it('calls people and groups of the config when it mentions, each once, and nobody else', async () => {
    harness = await openSlackHarness();
    await harness.show({
      ...root(),
      card: { ...root().card, mention: ['alice', 'team', 'slack:@sre', 'ops', 'nobody', 'here'] },
    });
    const found = JSON.stringify(harness.slack.world.messages[0]?.blocks);
    expect(found.match(/"(user|usergroup)_id":"[^"]+"/g)).toEqual([
      '"user_id":"U0ALICE"',
      '"user_id":"U0BOB"',
      '"usergroup_id":"S0SRE"',
    ]);
    expect(found).toContain('@nobody');
  });
});

it('links to a message by its permanent address', async () => {
  harness = await openSlackHarness();
  const [ref = ''] = await harness.show(root());
  const ts = ref.split('/')[1]?.replace('.', '');
  expect(harness.connection.linkTo?.({ ...root(), ref })).toBe(`https://acme.slack.com/archives/C0ALERTS/p${ts}`);
  expect(harness.connection.linkTo?.(root())).toBeNull();
});

describe('files', () => {
  async function* chunks() {
    yield 'one\n';
    yield 'two\n';
  }

  it('go into the thread, once, also when the last answer is lost', async () => {
    harness = await openSlackHarness();
    const { slack } = harness;
    await harness.show(root());
    slack.api.faults.add('files.completeUploadExternal', { kind: 'answer-lost' });
    await harness.connection.upload?.(reply(2), { name: 'disk.log', text: chunks() });
    const [file] = slack.world.files.values();
    expect(file?.bytes?.toString()).toBe('one\ntwo\n');
    expect(file?.shared).toEqual([{ channel: 'C0ALERTS', thread: (await harness.refOf(root())).ts }]);
    expect(slack.thread(await harness.refOf(root()))).toHaveLength(2);
  });

  it('a picture too, whose title is its text', async () => {
    harness = await openSlackHarness();
    const { slack } = harness;
    await harness.show(root());
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]);
    await harness.connection.upload?.(reply(2), { name: 'cpu.png', png, alt: 'cpu of web-1: 0.2 to 0.97' });
    const [file] = slack.world.files.values();
    expect(file?.bytes?.equals(png)).toBe(true);
    expect(slack.thread(await harness.refOf(root()))).toHaveLength(2);
  });
});

describe('reactions', () => {
  const alert = (badge: string) => ({ ...root(), card: { ...root().card, badge } });
  const run = (tone: 'info' | 'good') => ({
    ...reply(3),
    key: 'run/run_1',
    card: { ...root().card, tone, badge: null },
  });
  const shown = () => [...(harness.slack.world.messages[0]?.reactions ?? [])].sort().join(' ');

  it('mirror the state of the alert and of its run on the root, one each', async () => {
    harness = await openSlackHarness();
    await harness.show(alert('firing'), run('info'));
    await harness.slack.until(() => shown() === 'hourglass_flowing_sand rotating_light', 'both');
    const [channel, ts] = (
      await harness.connection.deliver({ ...alert('resolved'), ref: await refNow('alert/alt_1/1') })
    ).split('/');
    await harness.connection.deliver({ ...run('good'), ref: await refNow('run/run_1') });
    await harness.slack.until(() => shown() === 'tada white_check_mark', 'both anew');
    expect([channel, ts]).toEqual([harness.slack.world.messages[0]?.channel, harness.slack.world.messages[0]?.ts]);
  });

  it('take off what an earlier process left, wait out a limit, and are never an error', async () => {
    harness = await openSlackHarness();
    const { slack } = harness;
    await harness.show(alert('firing'));
    await slack.until(() => shown() === 'rotating_light', 'the first');
    const message = slack.world.messages[0];
    const old = `${Math.floor(Date.now() / 1000) - 600}.000100`;
    if (message !== undefined) message.ts = old;
    slack.api.faults.add('reactions.add', { kind: 'limited', retryAfter: 1 });
    slack.api.faults.add('reactions.remove', { kind: 'error', error: 'fatal_error' });
    await harness.connection.deliver({ ...alert('silenced'), ref: `C0ALERTS/${old}` });
    await slack.until(() => shown().includes('no_bell'), 'the state');
    expect(harness.connection.trouble()).toBeNull();
  });

  const refNow = async (key: string) => (await harness.double.store.post('console', key))?.ref ?? null;
});

describe('a message that was deleted', () => {
  const at = Date.now() - 60_000;
  const first = () => ({ ...root(), createdAt: at });
  const old = (key: string) => samplePost({ channel: '#alerts', key, thread: root().key, order: 2, createdAt: at });

  it('a question that is deleted a moment after another message of its thread is posted anew', async () => {
    harness = await openSlackHarness();
    const { world } = harness.slack;
    await harness.show(first());
    const [run = '', ask = ''] = await harness.show(old('run/r1'), old('approval/q1'));
    const remove = (ref: string) =>
      world.messages.splice(
        world.messages.findIndex(one => `${one.channel}/${one.ts}` === ref),
        1,
      );
    const card = (badge: string) => ({ ...first().card, badge });
    // A fresh connection, as after a restart: nothing is remembered of the thread.
    remove(run);
    const fresh = await openSlackHarness({ slack: harness.slack });
    for (const post of [first(), old('run/r1'), old('approval/q1')]) await fresh.double.put(post);
    const stored = await harness.double.store.post('console', first().key);
    const run2 = await fresh.connection.deliver({ ...old('run/r1'), ref: run, card: card('1 of 2') }, stored);
    expect(run2).not.toBe(run);
    remove(ask);
    const ask2 = await fresh.connection.deliver(
      { ...old('approval/q1'), ref: ask, card: card('1 of 2 votes') },
      stored,
    );
    await fresh.connection.close();
    await fresh.double.close();
    expect(ask2).not.toBe(ask);
  });
});
