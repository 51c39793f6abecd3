import { afterEach, describe, expect, it } from 'vitest';
import { isCode, TocsinError } from '../../src/kernel/errors.ts';
import { samplePost } from '../contracts/samples.ts';
import { readable, startSlack } from '../doubles/slack/index.ts';
import { openSlackGround, type SlackGround } from './slack-ground.ts';

let ground: SlackGround;
afterEach(() => ground.close());

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
    ground = await openSlackGround();
    const { faults } = ground.slack.api;
    await ground.double.put(root());
    faults.add('chat.postMessage', { kind: 'limited', retryAfter: 7 });
    const post = await failing(ground.connection.deliver(root()));
    expect([post.code, post.retryAfter, post.at]).toEqual(['chat-limited', 7000, 'channel #alerts']);
    await ground.connection.deliver(root());
    faults.add('chat.update', { kind: 'limited', retryAfter: 2 });
    const stored = await ground.double.store.post('console', root().key);
    const edit = await failing(ground.connection.deliver({ ...root(), ref: stored?.ref ?? null }));
    expect([edit.code, edit.retryAfter, edit.at]).toEqual(['chat-limited', 2000, 'method chat.update']);
  });

  it('a server or a line that is down', async () => {
    ground = await openSlackGround();
    for (const fault of [
      { kind: 'status', status: 503 },
      { kind: 'cut' },
      { kind: 'error', error: 'internal_error' },
    ] as const) {
      ground.slack.api.faults.add('chat.postMessage', fault);
      expect((await failing(ground.connection.deliver(root()))).code).toBe('chat-down');
    }
  });

  it('a channel that does not take it, with what to do', async () => {
    ground = await openSlackGround();
    const inChannel = (channel: string) => failing(ground.connection.deliver({ ...root(), channel }));
    const outside = await inChannel('#elsewhere');
    expect([outside.code, outside.at]).toEqual(['chat-refused', 'channel #elsewhere']);
    expect(outside.remedy).toContain('/invite');
    const typo = await inChannel('#alrets');
    expect([typo.code, typo.at]).toEqual(['chat-refused', 'channel #alrets']);
    expect(typo.message).toContain('Did you mean "alerts"?');
    expect((await inChannel('C0OLD00')).message).toContain('is_archived');
  });

  it('a message whose form Slack does not take is shown without its blocks, with its buttons', async () => {
    ground = await openSlackGround();
    const does = { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_1' } };
    const buttons = [{ label: 'Acknowledge', style: 'plain' as const, reason: 'none' as const, does }];
    const post = {
      ...root(),
      card: { ...root().card, buttons, blocks: [{ kind: 'text' as const, text: 'odd' }] },
    };
    ground.slack.api.faults.add('chat.postMessage', { kind: 'error', error: 'invalid_blocks' });
    await ground.show(post);
    const text = readable(ground.slack.world.messages[0]);
    expect(text).toMatch(/Disk is full[\s\S]*See the console[\s\S]*\[Acknowledge\]/);
    expect(text).not.toContain('odd');
    expect(ground.slack.world.messages).toHaveLength(1);
  });

  it('a thread whose root was never posted or was deleted, and nothing of it stays in the channel', async () => {
    ground = await openSlackGround();
    expect((await failing(ground.connection.deliver(reply(2), root()))).code).toBe('chat-root-gone');
    await ground.show(root());
    ground.slack.world.messages.length = 0;
    expect((await failing(ground.connection.deliver(reply(2)))).code).toBe('chat-root-gone');
    expect(ground.slack.world.messages).toEqual([]);
    // A late reply is looked for first, and there is nothing to look in.
    const late = { ...reply(3), createdAt: Date.now() - 60_000 };
    expect((await failing(ground.connection.deliver(late))).code).toBe('chat-root-gone');
    expect((await failing(ground.connection.upload(reply(4), { name: 'x.log', text: 'x' }))).code).toBe(
      'chat-root-gone',
    );
  });

  it('a root that was posted anew is another message, also to whoever looks for it', async () => {
    ground = await openSlackGround();
    await ground.show(root());
    const anew = { ...root(), renewed: 1 };
    ground.slack.api.faults.add('chat.postMessage', { kind: 'answer-lost' });
    expect((await failing(ground.connection.deliver(anew))).code).toBe('chat-down');
    expect(await ground.connection.deliver(anew)).toBe(`C0ALERTS/${ground.slack.world.messages[1]?.ts}`);
    expect(ground.slack.world.messages).toHaveLength(2);
  });
});

describe('after a lost answer', () => {
  it('the message is found again and not posted twice, root and reply', async () => {
    ground = await openSlackGround();
    const { slack } = ground;
    for (const post of [root(), reply(2)]) {
      await ground.double.put(post);
      slack.api.faults.add('chat.postMessage', { kind: 'answer-lost' });
      expect((await failing(ground.connection.deliver(post))).code).toBe('chat-down');
      // What it looks with fails as well: it does not post blindly then.
      slack.api.faults.add(post.thread === null ? 'conversations.history' : 'conversations.replies', { kind: 'cut' });
      expect((await failing(ground.connection.deliver(post))).code).toBe('chat-down');
      await ground.connection.deliver(post);
    }
    expect(slack.world.messages).toHaveLength(2);
    expect(slack.world.messages[1]?.thread_ts).toBe(slack.world.messages[0]?.ts);
  });

  it('a post that had no effect is posted', async () => {
    ground = await openSlackGround();
    ground.slack.api.faults.add('chat.postMessage', { kind: 'cut' });
    await failing(ground.connection.deliver(root()));
    await ground.connection.deliver(root());
    expect(ground.slack.world.messages).toHaveLength(1);
  });

  it('what an earlier process posted without writing it down is found', async () => {
    const slack = await startSlack();
    const first = await openSlackGround({ slack });
    await first.connection.deliver(root());
    await first.connection.close();
    await first.double.close();
    ground = await openSlackGround({ slack });
    const late = { ...root(), createdAt: Date.now() - 60_000 };
    await ground.double.put(late);
    await ground.connection.deliver({ ...late, card: { ...late.card, badge: 'found' } });
    expect(slack.world.messages).toHaveLength(1);
    expect(readable(slack.world.messages[0])).toContain('found');
  });

  it('a message that somebody deleted is posted anew', async () => {
    ground = await openSlackGround();
    await ground.show(root());
    ground.slack.world.messages.length = 0;
    const stored = await ground.double.store.post('console', root().key);
    const ref = await ground.connection.deliver({ ...root(), ref: stored?.ref ?? null });
    expect(ref).not.toBe(stored?.ref);
    expect(ground.slack.world.messages).toHaveLength(1);
  });
});

describe('the connection', () => {
  it('connects anew when it is cut or asked to, and hears what is pressed then', async () => {
    ground = await openSlackGround();
    const { socket, api } = ground.slack;
    const opened = () => api.calls.filter(call => call.method === 'apps.connections.open').length;
    for (const [turn, drop] of [socket.cut, socket.refresh, socket.cut].entries()) {
      // The address of the next link cannot be had at once: the SDK alone would end the process here.
      if (turn === 2) api.faults.add('apps.connections.open', { kind: 'cut' });
      const before = opened();
      drop();
      await ground.slack.until(() => opened() > before && socket.links() === 1, 'a new link');
    }
    const before = ground.slack.world.told.length;
    await ground.slack.as('U0ALICE').slash('help');
    expect((await ground.slack.toldTo('U0ALICE', before)).text).toContain('run');
    await ground.slack.until(() => ground.connection.trouble() === null, 'no trouble');
  });

  it('is tried again when links are refused, and ends at once when it is closed meanwhile', async () => {
    const slack = await startSlack();
    slack.socket.refuse = true;
    ground = await openSlackGround({ slack, linked: false });
    await slack.until(() => ground.connection.trouble()?.includes('Socket Mode'), 'the trouble');
    await ground.connection.deliver(root());
    slack.socket.refuse = false;
    await slack.socket.linked();
    await slack.until(() => ground.connection.trouble() === null, 'no trouble');
    slack.socket.refuse = true;
    slack.socket.cut();
    await slack.until(() => ground.connection.trouble() !== null, 'the next trouble');
  });

  it('says which token is wrong and where to find it, and is well when it is right', async () => {
    const slack = await startSlack();
    slack.world.botToken = 'xoxb-another';
    ground = await openSlackGround({ slack, linked: false });
    await slack.until(() => ground.connection.trouble(), 'the trouble');
    expect(ground.connection.trouble()).toMatch(/SLACK_BOT_TOKEN \(invalid_auth\)[\s\S]*OAuth & Permissions/);
    expect(isCode(await failing(ground.connection.deliver(root())), 'chat-down')).toBe(true);
    slack.world.botToken = slack.env['SLACK_BOT_TOKEN'] ?? '';
    await ground.connection.deliver(root());
    await slack.socket.linked();
    expect(ground.connection.trouble()).toBeNull();
  });

  it('says that the app token is wrong, or lacks its scope, and goes on posting', async () => {
    const slack = await startSlack();
    slack.world.appScopes.clear();
    ground = await openSlackGround({ slack, linked: false });
    await slack.until(() => ground.connection.trouble(), 'the trouble');
    expect(ground.connection.trouble()).toMatch(/connections:write[\s\S]*SLACK_APP_TOKEN/);
    await ground.connection.deliver(root());
    slack.world.appScopes.add('connections:write');
    await slack.socket.linked();
    await slack.until(() => ground.connection.trouble() === null, 'no trouble');
  });

  it('names the scopes that are missing before anything needs them', async () => {
    const slack = await startSlack();
    slack.world.scopes.delete('files:write');
    slack.world.scopes.delete('usergroups:read');
    ground = await openSlackGround({ slack });
    expect(ground.connection.trouble()).toMatch(/files:write \(full logs\), usergroups:read/);
  });

  it('says what to set when nothing can be heard', async () => {
    ground = await openSlackGround({ env: { SLACK_APP_TOKEN: '' }, linked: false });
    await ground.connection.deliver(root());
    expect(ground.connection.trouble()).toMatch(/SLACK_APP_TOKEN[\s\S]*SLACK_SIGNING_SECRET/);
  });
});

describe('people and groups', () => {
  it('members of a user group by handle or id, null for none, and an error while Slack is down', async () => {
    ground = await openSlackGround();
    expect(await ground.connection.members('sre')).toEqual(['T0ACME/U0ALICE', 'T0ACME/U0BOB']);
    expect(await ground.connection.members('S0SRE')).toEqual(['T0ACME/U0ALICE', 'T0ACME/U0BOB']);
    expect(await ground.connection.members('nobody')).toBeNull();
    ground.slack.api.faults.add('usergroups.users.list', { kind: 'cut' });
    expect((await failing(ground.connection.members('sre'))).code).toBe('chat-down');
  });

  it('somebody whom Slack cannot vouch for now is refused; whom it vouched for just before, is not', async () => {
    ground = await openSlackGround();
    const does = { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_1' } };
    const post = {
      ...root(),
      card: {
        ...root().card,
        buttons: [{ label: 'Acknowledge', style: 'plain' as const, reason: 'none' as const, does }],
      },
    };
    await ground.show(post);
    await ground.press('U0ALICE', post, 'Acknowledge');
    ground.slack.api.faults.add('users.info', { kind: 'status', status: 500 }, 2);
    await ground.press('U0BOB', post, 'Acknowledge');
    expect(ground.double.acts.map(({ who }) => who.kind)).toEqual(['person', 'stranger']);
  });

  it('calls people and groups of the config when it mentions, and nobody else', async () => {
    ground = await openSlackGround();
    await ground.show({
      ...root(),
      card: { ...root().card, mention: ['alice', 'team', 'slack:@sre', 'ops', 'nobody', 'here'] },
    });
    const found = JSON.stringify(ground.slack.world.messages[0]?.blocks);
    expect(found.match(/"(user|usergroup)_id":"[^"]+"/g)).toEqual([
      '"user_id":"U0ALICE"',
      '"user_id":"U0ALICE"',
      '"user_id":"U0BOB"',
      '"usergroup_id":"S0SRE"',
      '"usergroup_id":"S0SRE"',
    ]);
    expect(found).toContain('@nobody');
  });
});

it('links to a message by its permanent address', async () => {
  ground = await openSlackGround();
  const [ref = ''] = await ground.show(root());
  const ts = ref.split('/')[1]?.replace('.', '');
  expect(ground.connection.linkTo?.({ ...root(), ref })).toBe(`https://acme.slack.com/archives/C0ALERTS/p${ts}`);
  expect(ground.connection.linkTo?.(root())).toBeNull();
});

describe('files', () => {
  async function* chunks() {
    yield 'one\n';
    yield 'two\n';
  }

  it('go into the thread, once, also when the last answer is lost', async () => {
    ground = await openSlackGround();
    const { slack } = ground;
    await ground.show(root());
    slack.api.faults.add('files.completeUploadExternal', { kind: 'answer-lost' });
    await ground.connection.upload?.(reply(2), { name: 'disk.log', text: chunks() });
    const [file] = slack.world.files.values();
    expect(file?.bytes?.toString()).toBe('one\ntwo\n');
    expect(file?.shared).toEqual([{ channel: 'C0ALERTS', thread: (await ground.refOf(root())).ts }]);
    expect(slack.thread(await ground.refOf(root()))).toHaveLength(2);
  });
});

describe('reactions', () => {
  const alert = (badge: string) => ({ ...root(), card: { ...root().card, badge } });
  const run = (tone: 'info' | 'good') => ({
    ...reply(3),
    key: 'run/run_1',
    card: { ...root().card, tone, badge: null },
  });
  const shown = () => [...(ground.slack.world.messages[0]?.reactions ?? [])].sort().join(' ');

  it('mirror the state of the alert and of its run on the root, one each', async () => {
    ground = await openSlackGround();
    await ground.show(alert('firing'), run('info'));
    await ground.slack.until(() => shown() === 'hourglass_flowing_sand rotating_light', 'both');
    const [channel, ts] = (
      await ground.connection.deliver({ ...alert('resolved'), ref: await refNow('alert/alt_1/1') })
    ).split('/');
    await ground.connection.deliver({ ...run('good'), ref: await refNow('run/run_1') });
    await ground.slack.until(() => shown() === 'tada white_check_mark', 'both anew');
    expect([channel, ts]).toEqual([ground.slack.world.messages[0]?.channel, ground.slack.world.messages[0]?.ts]);
  });

  it('take off what an earlier process left, wait out a limit, and are never an error', async () => {
    ground = await openSlackGround();
    const { slack } = ground;
    await ground.show(alert('firing'));
    await slack.until(() => shown() === 'rotating_light', 'the first');
    const message = slack.world.messages[0];
    const old = `${Math.floor(Date.now() / 1000) - 600}.000100`;
    if (message !== undefined) message.ts = old;
    slack.api.faults.add('reactions.add', { kind: 'limited', retryAfter: 1 });
    slack.api.faults.add('reactions.remove', { kind: 'error', error: 'fatal_error' });
    await ground.connection.deliver({ ...alert('silenced'), ref: `C0ALERTS/${old}` });
    await slack.until(() => shown().includes('no_bell'), 'the state');
    expect(ground.connection.trouble()).toBeNull();
  });

  const refNow = async (key: string) => (await ground.double.store.post('console', key))?.ref ?? null;
});
