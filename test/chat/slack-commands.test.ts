import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../src/chat/slack/index.ts';
import type { RunbookView } from '../../src/ports/chat.ts';
import { sampleAlert, sampleApproval, samplePost, sampleRun } from '../contracts/samples.ts';
import { peopleParams, sampleParam, sampleRunbook } from '../contracts/views.ts';
import { readable } from '../doubles/slack/index.ts';
import { as } from '../journey/language.ts';
import { slackChat } from '../journey/slack.ts';
import { openSlackHarness, type SlackHarness } from './slack-harness.ts';

let harness: SlackHarness;
beforeEach(async () => {
  harness = await openSlackHarness();
  harness.double.view.runbooks = [clean, simple];
});
afterEach(() => harness.close());

const clean = sampleRunbook({
  id: 'clean',
  title: 'Clean the disk',
  about: 'Frees space.',
  params: [
    sampleParam('host', { about: 'Which machine' }),
    sampleParam('size', { type: 'number', required: false, default: '200' }),
    sampleParam('mode', { type: 'enum', options: ['soft', 'hard'] }),
    sampleParam('dry', { type: 'boolean', required: false }),
  ],
});
const simple: RunbookView = { ...clean, id: 'simple', title: 'Look', params: [] };

const channel = () => slackChat(harness.slack).channel('alerts');
const alice = () => harness.slack.as('U0ALICE');
/** What alice is told after she did something. */
async function told(act: () => Promise<void>, user = 'U0ALICE') {
  const before = harness.slack.world.told.length;
  await act();
  return harness.slack.toldTo(user, before);
}

describe('/tocsin', () => {
  it('takes the commands of the folder and answers privately', async () => {
    const answer = await told(() => alice().slash('help'));
    expect(answer.how).toBe('response_url');
    expect(answer.text).toMatch(/run <runbook>/);
  });

  it('answers a wrong command with what was allowed', async () => {
    await channel().type('runn clean', as('alice')).expectTold('Did you mean "run"?');
    await channel().type('run cleen host=web-1', as('alice')).expectTold(/clean/);
  });

  it('takes the round quotes that clients make of straight ones', async () => {
    await channel().type('run simple reason=\u201cit is night\u201d', as('alice')).expectTold('Done.');
    expect(harness.double.acts[0]?.act).toMatchObject({ kind: 'run', runbook: 'simple', reason: 'it is night' });
  });

  it('is refused to strangers, and says why', async () => {
    const guest = as('guest');
    for (const line of ['list', '', 'run clean']) await channel().type(line, guest).expectTold('guest');
    expect(harness.double.acts).toEqual([]);
    // What would have been an act is refused where acts are, and so it is journalled.
    harness.double.answers = [{ ok: false, code: 'forbidden', status: 403, text: 'Refused.' }];
    const about = ['ack alt_1', 'unack alt_1', 'silence alt_1 1h', 'unsilence alt_1', 'close alt_1 gone'];
    for (const line of ['run simple', 'approve apv_1', 'halt reason=x', ...about])
      await channel().type(line, guest).expectTold('Refused.');
    expect(harness.double.acts.map(({ who, act }) => [who.kind, act.kind])).toEqual([
      ['stranger', 'run'],
      ['stranger', 'vote'],
      ['stranger', 'halt'],
      ['stranger', 'acknowledge'],
      ['stranger', 'unacknowledge'],
      ['stranger', 'silence'],
      ['stranger', 'unsilence'],
      ['stranger', 'close'],
    ]);
    expect([...harness.slack.world.views.values()]).toEqual([]);
  });
});

describe('the form', () => {
  it('opens without arguments, shows the fields of the chosen runbook by their type, and asks for the run', async () => {
    await alice().slash('');
    const view = await harness.slack.modalOf('U0ALICE');
    expect(view.body.blocks.map((block: { block_id?: string }) => block.block_id)).toEqual(['runbook']);
    await alice().choose(view, 'runbook', 'clean');
    await harness.slack.until(() => view.body.blocks.length > 2, 'the fields');
    const types = view.body.blocks.flatMap((block: { element?: { type: string } }) => block.element?.type ?? []);
    expect(types).toEqual([
      'static_select',
      'plain_text_input',
      'number_input',
      'static_select',
      'checkboxes',
      'plain_text_input',
    ]);
    harness.double.answers = [{ ok: true, text: 'Clean the disk is starting.', run: 'run_1' }];
    const fields = { 'param:clean:host': 'web-1', 'param:clean:mode': 'hard', 'param:clean:dry': true, reason: 'full' };
    const answer = await told(async () =>
      expect(await alice().submit(view, { runbook: 'clean', ...fields })).toBeNull(),
    );
    expect(answer.text).toContain('is starting');
    expect(harness.double.acts).toEqual([
      {
        who: { kind: 'person', id: 'alice', via: 'slack', account: 'slack:T0ACME/U0ALICE' },
        act: {
          kind: 'run',
          runbook: 'clean',
          params: { host: 'web-1', size: 200, mode: 'hard', dry: true },
          alert: null,
          reason: 'full',
        },
      },
    ]);
  });

  it('opens on the parameters of a runbook that was typed without them', async () => {
    await alice().slash('run clean');
    const view = await harness.slack.modalOf('U0ALICE');
    expect(readable(view.body)).toMatch(/host[\s\S]*size[\s\S]*mode/);
  });

  it('shows what is wrong with a parameter at its field', async () => {
    await alice().slash('run clean');
    const view = await harness.slack.modalOf('U0ALICE');
    const fields = { host: 'does not match its pattern (allowed: [a-z-]+)', unknown: 'x' };
    harness.double.answers = [{ ok: false, code: 'params-invalid', status: 422, text: 'no', details: { fields } }];
    const errors = await alice().submit(view, { 'param:clean:host': '-rf', 'param:clean:mode': 'soft' });
    expect(errors).toEqual({ 'param:clean:host': fields.host });
    harness.double.answers = [{ ok: false, code: 'forbidden', status: 403, text: 'Denied by freeze.' }];
    const answer = await told(
      async () => void (await alice().submit(view, { 'param:clean:host': 'a', 'param:clean:mode': 'soft' })),
    );
    expect(answer.text).toContain('Denied by freeze.');
  });

  it('lets people choose an account of Slack, and asks for the person it belongs to', async () => {
    harness.double.view.runbooks = [{ ...clean, params: peopleParams() }];
    await alice().slash('run clean');
    const view = await harness.slack.modalOf('U0ALICE');
    const inputs = view.body.blocks.filter((block: { type: string }) => block.type === 'input').slice(1, 3);
    expect(inputs.map((block: { element: object }) => block.element)).toEqual([
      expect.objectContaining({
        type: 'users_select',
        placeholder: expect.objectContaining({ text: 'Choose somebody' }),
      }),
      expect.objectContaining({
        type: 'users_select',
        placeholder: expect.objectContaining({ text: 'bob when left empty' }),
      }),
    ]);
    await expect(alice().submit(view, {})).rejects.toThrow('must be filled in');
    const errors = await alice().submit(view, { 'param:clean:owner': 'U0NOBODY', 'param:clean:deputy': 'U0BOB' });
    expect(errors).toEqual({ 'param:clean:owner': expect.stringContaining('No person of tocsin.yaml') });
    expect(harness.double.acts).toEqual([]);
    expect(await alice().submit(view, { 'param:clean:owner': 'U0BOB' })).toBeNull();
    expect(harness.double.acts[0]?.act).toMatchObject({ kind: 'run', params: { owner: 'bob' } });
    expect(Object.keys(harness.double.acts[0]?.act.kind === 'run' ? harness.double.acts[0].act.params : {})).toEqual([
      'owner',
    ]);
  });

  it('is acknowledged in time when the answer takes long, and shows the answer when it is there', async () => {
    await alice().slash('run clean');
    const view = await harness.slack.modalOf('U0ALICE');
    let release = (): void => {};
    const gate = new Promise<void>(resolve => {
      release = resolve;
    });
    const { act } = harness.double.host;
    harness.double.host.act = async (who, what) => {
      await gate;
      return act(who, what);
    };
    // It resolves although nothing was decided yet: otherwise the double would refuse after 3 s.
    await alice().submit(view, { 'param:clean:host': 'a', 'param:clean:mode': 'soft' });
    expect(readable(view.body)).toContain('Working on it');
    release();
    await harness.slack.until(() => readable(view.body).includes('Done.'), 'the outcome');
  });

  it('finds among more runbooks than a select takes', async () => {
    harness.double.view.runbooks = Array.from({ length: 150 }, (_, index) => ({ ...simple, id: `book-${index}` }));
    await alice().slash('');
    const view = await harness.slack.modalOf('U0ALICE');
    expect(view.body.blocks[0].element.type).toBe('external_select');
    expect(await alice().suggest(view, 'runbook', 'book-14')).toEqual([
      'book-14',
      ...Array.from({ length: 10 }, (_, i) => `book-14${i}`),
    ]);
    expect(await alice().suggest(view, 'runbook', '')).toHaveLength(100);
    expect(await alice().suggest(view, 'runbook', 'none of them')).toEqual([]);
  });
});

describe('in a thread', () => {
  const root = () => samplePost({ key: 'alert/alt_7/1', alert: 'alt_7' });

  it("a mention is a command about the thread's alert, answered in the thread to whoever asked", async () => {
    await harness.show(root());
    const { channel, ts } = await harness.refOf(root());
    const answer = await told(() => alice().mention('run simple', channel, ts));
    expect(answer).toMatchObject({ how: 'ephemeral', thread: ts, channel });
    expect(harness.double.acts[0]?.act).toMatchObject({ kind: 'run', runbook: 'simple', alert: 'alt_7' });
  });

  it('a mention that is no command is a note, and a command that was mistyped is asked about', async () => {
    await harness.show(root());
    const { channel, ts } = await harness.refOf(root());
    await told(() => alice().mention("the vendor's on it: <https://x.example|ticket 7> &amp; call me", channel, ts));
    const note = { kind: 'note', alert: 'alt_7', run: null, gate: null };
    const said = "the vendor's on it: ticket 7 & call me";
    expect(harness.double.acts.map(({ act }) => act)).toEqual([{ ...note, text: said }]);
    const asked = await told(() => alice().mention('aprove apr_1234abcd', channel, ts));
    expect(asked.text).toContain('Did you mean "approve"? To write it as a note: note aprove apr');
    await told(() => alice().mention("note don't restart it", channel, ts));
    expect(harness.double.acts.map(({ act }) => act).slice(1)).toEqual([{ ...note, text: "don't restart it" }]);
    // Outside of a thread nobody would know what it is about.
    await told(() => alice().mention('the vendor is on it', 'C0ALERTS'));
    expect(harness.double.acts).toHaveLength(2);
  });

  it('a mention is understood after a restart, by what the root itself says', async () => {
    const { slack } = harness;
    slack.world.messages.push(
      ownMessage('alert/alt_9/2', 'B0BOT', '1.1'),
      ownMessage('alert/alt_8/1', 'B0OTHER', '1.2'),
    );
    await told(() => alice().mention('run simple', 'C0ALERTS', '1.1'));
    // A message of another app may carry the same metadata, and is not believed.
    await told(() => alice().mention('run simple', 'C0ALERTS', '1.2'));
    expect(harness.double.acts.map(({ act }) => act)).toMatchObject([{ alert: 'alt_9' }, { alert: null }]);
  });

  it('a mention that is delivered again does nothing', async () => {
    const again = () => alice().mention('run simple', 'C0ALERTS', undefined, 'Ev0SAME');
    await told(again);
    await again();
    await told(() => alice().mention('help', 'C0ALERTS'));
    expect(harness.double.acts).toHaveLength(1);
  });

  it('a mention that is delivered again to another node, or after a restart, does nothing', async () => {
    const again = () => alice().mention('run simple', 'C0ALERTS', undefined, 'Ev0SAME');
    await told(again);
    await harness.connection.close();
    const other = await platform.open(platform.options.parse({}), harness.double.host);
    await harness.slack.until(() => harness.slack.socket.links() === 1, 'the link of the other node');
    await again();
    await told(() => alice().mention('help', 'C0ALERTS'));
    expect(harness.double.acts).toHaveLength(1);
    await other.close();
  });

  it('text with entities and links is read as it was typed', async () => {
    await told(() =>
      alice().mention('run simple reason="a &lt; b, see <http://web-1.example|web-1.example>"', 'C0ALERTS'),
    );
    expect(harness.double.acts[0]?.act).toMatchObject({ reason: 'a < b, see web-1.example' });
  });

  it('the button on the alert itself opens the form for it', async () => {
    const does = { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_7' } };
    const buttons = [{ label: 'Acknowledge', style: 'plain' as const, reason: 'none' as const, does }];
    const live = { ...root(), card: { ...root().card, buttons } };
    await harness.show(live);
    await told(async () => harness.slack.as('U0GUEST').press(await harness.messageOf(live), 'Run …'), 'U0GUEST');
    await alice().press(await harness.messageOf(live), 'Run …');
    const view = await harness.slack.modalOf('U0ALICE');
    expect(readable(view.body)).toContain('alt_7');
    expect(harness.slack.world.views.size).toBe(1);
  });

  it('a form that Slack does not open is told', async () => {
    harness.slack.api.faults.add('views.open', { kind: 'error', error: 'expired_trigger_id' });
    expect((await told(() => alice().slash(''))).text).toMatch(/did not open the form[\s\S]*Try again/);
  });

  it('the shortcut on a message opens the form for its alert', async () => {
    await harness.show(root());
    await alice().shortcut(await harness.messageOf(root()));
    const view = await harness.slack.modalOf('U0ALICE');
    expect(readable(view.body)).toContain('alt_7');
    await alice().choose(view, 'runbook', 'simple');
    await harness.slack.until(() => view.body.blocks.length > 2, 'the chosen runbook');
    await alice().submit(view, { runbook: 'simple' });
    expect(harness.double.acts[0]?.act).toMatchObject({ kind: 'run', runbook: 'simple', alert: 'alt_7' });
  });
});

function ownMessage(key: string, bot: string, ts: string) {
  return {
    channel: 'C0ALERTS',
    ts,
    user: 'U0BOT',
    bot_id: bot,
    text: '',
    blocks: [],
    attachments: [],
    metadata: { event_type: 'tocsin_post', event_payload: { key } },
    reactions: new Set<string>(),
    edits: 0,
  };
}

describe('App Home', () => {
  it('shows what waits for whoever looks, what runs and what ran, and takes presses', async () => {
    const { double } = harness;
    const open = sampleApproval({ ask: { ...sampleApproval().ask, by: ['team'] }, expiresAt: Date.now() + 60_000 });
    const others = { ...open, id: 'apv_2', ask: { ...open.ask, by: ['elsewhere'] } };
    await double.commit({
      rows: [
        { table: 'alert', doc: sampleAlert() },
        { table: 'run', doc: sampleRun({ id: 'run_1', state: 'waiting' }) },
        { table: 'run', doc: sampleRun({ id: 'run_2', title: 'Still going', state: 'running' }) },
        { table: 'run', doc: sampleRun({ id: 'run_3', title: 'Went well', state: 'succeeded', finishedAt: 1 }) },
        { table: 'approval', doc: open },
        { table: 'approval', doc: others },
      ],
    });
    const does = {
      kind: 'act' as const,
      act: { kind: 'vote' as const, approval: 'apv_1', vote: 'approve' as const, reason: null, seal: 's' },
    };
    const card = { tone: 'ask' as const, title: 'Run it?', badge: null, blocks: [], mention: [] };
    double.details.set('approval/apv_1', {
      ...card,
      buttons: [{ label: 'Approve', style: 'primary', reason: 'none', does }],
    });
    const page = await told(() => alice().openHome());
    expect(page.text).toMatch(
      /Waiting for you: 1[\s\S]*Run it\?[\s\S]*Running: 1[\s\S]*Still going[\s\S]*Recent[\s\S]*Went well/,
    );

    // What changes is shown to whoever looked not long ago.
    await double.commit({
      rows: [{ table: 'run', doc: sampleRun({ id: 'run_4', title: 'Came later', state: 'running', version: 1 }) }],
    });
    const later = await harness.slack.until(() => double.listeners() > 0 && pageWith('Came later'), 'the page anew');
    expect(later).toContain('Running: 2');

    double.answers = [{ ok: true, text: 'Your vote counts.' }];
    const after = await told(() => alice().pressIn({ body: page.body, home: true }, 'Approve'));
    expect(after).toMatchObject({ how: 'home' });
    expect(after.text).toContain('Your vote counts.');
    expect(double.acts[0]?.act).toEqual(does.act);
  });

  const pageWith = (text: string) => {
    const shown = readable(harness.slack.world.homes.get('U0ALICE') ?? {});
    return shown.includes(text) ? shown : null;
  };

  it('knows who is in a group that Slack keeps', async () => {
    const ask = { ...sampleApproval().ask, by: ['ops'] };
    const kept = { ...sampleApproval({ ask }), expiresAt: Date.now() + 60_000 };
    await harness.double.commit({
      rows: [
        { table: 'run', doc: sampleRun({ state: 'waiting' }) },
        { table: 'approval', doc: kept },
      ],
    });
    expect((await told(() => alice().openHome())).text).toContain('Waiting for you: 1');
    harness.slack.world.usergroups.set('S0SRE', { id: 'S0SRE', handle: 'sre', users: [] });
    const type = 'subteam_members_changed';
    await alice().event({ type, subteam_id: 'S0SRE', team_id: 'T0ACME', added_users: [], removed_users: ['U0ALICE'] });
    await harness.slack.until(() => harness.double.changed.length > 0, 'the news');
    expect(harness.double.changed).toEqual([{ platform: 'slack', group: null }]);
    expect((await told(() => alice().openHome())).text).toContain('Waiting for you: 0');
  });

  it('says to strangers that they are not known', async () => {
    const page = await told(() => harness.slack.as('U0NOBODY').openHome(), 'U0NOBODY');
    expect(page.text).toContain('not known here');
    const guest = await told(() => harness.slack.as('U0GUEST').openHome(), 'U0GUEST');
    expect(guest.text).toContain('guest');
  });
});

describe('a press', () => {
  it('is acknowledged before anything is looked up or decided', async () => {
    const does = { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_1' } };
    const button = { label: 'Acknowledge', style: 'plain' as const, reason: 'none' as const, does };
    const post = samplePost({ card: { ...samplePost().card, buttons: [button] } });
    await harness.show(post);
    // Nothing answers any more: neither the store nor Slack nor the flow.
    const never = new Promise<never>(() => {});
    const { host } = harness.double;
    harness.slack.api.faults.add('users.info', { kind: 'slow', ms: 20_000 });
    host.act = () => never;
    harness.double.host.whoIs = () => ({ kind: 'stranger', id: 'x', via: 'slack', because: 'x' });
    await alice().press(await harness.messageOf(post), 'Acknowledge');
    expect(harness.slack.world.told).toEqual([]);
  });
});

describe('a doubled click', () => {
  it('is one press with one answer; a later one is another press', async () => {
    const does = {
      kind: 'act' as const,
      act: { kind: 'run' as const, runbook: 'simple', params: {}, alert: null, reason: null },
    };
    const buttons = [{ label: 'Run again', style: 'plain' as const, reason: 'none' as const, does }];
    const post = samplePost({ card: { ...samplePost().card, buttons } });
    await harness.show(post);
    const message = await harness.messageOf(post);
    await Promise.all([alice().press(message, 'Run again'), alice().press(message, 'Run again')]);
    const other = harness.slack.as('U0BOB');
    await told(() => other.press(message, 'Run again'), 'U0BOB');
    expect(harness.double.acts.map(({ who }) => who.id).sort()).toEqual(['alice', 'bob']);
  });
});

describe('details', () => {
  const card = { tone: 'info' as const, title: 'All of it', badge: null, blocks: [], buttons: [], mention: [] };
  const post = () =>
    samplePost({
      card: {
        ...card,
        buttons: [
          { label: 'Details', style: 'plain', reason: 'none', does: { kind: 'details', subject: 'run', id: 'run_1' } },
        ],
      },
    });

  it('are shown to whoever asked, and to nobody else', async () => {
    harness.double.details.set('run/run_1', card);
    await harness.show(post());
    expect(await harness.press('U0ALICE', post(), 'Details')).toContain('All of it');
    expect(await harness.press('U0GUEST', post(), 'Details')).toContain('guest');
    expect(harness.slack.world.messages).toHaveLength(1);
  });

  it('that are too long for a message open in a modal as a whole', async () => {
    const plan = Array.from({ length: 900 }, (_, index) => `${index}. echo step ${index}`).join('\n');
    const does = { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_1' } };
    const buttons = [{ label: 'Acknowledge', style: 'plain' as const, reason: 'none' as const, does }];
    harness.double.details.set('run/run_1', { ...card, buttons, blocks: [{ kind: 'code', text: plan }] });
    await harness.show(post());
    await alice().press(await harness.messageOf(post()), 'Details');
    const view = await harness.slack.modalOf('U0ALICE');
    const text = readable(view.body);
    for (const step of [0, 449, 899]) expect(text).toContain(`${step}. echo step ${step}`);
    expect(text).not.toContain('more characters');
    const answer = await told(() => alice().pressIn({ body: view.body, view }, 'Acknowledge'));
    expect(answer).toMatchObject({ how: 'modal', text: expect.stringContaining('Done.') });
  });
});
