import type { Delivery } from './delivery.ts';
import { readable } from './markup.ts';
import { Refused, replaceView } from './methods.ts';
import { options } from './rules.ts';
import type { Json, SlackMessage, SlackView, World } from './world.ts';

/** What a person does in Slack's client. Each act resolves when Slack got its acknowledgement. */
export interface Person {
  press(message: SlackMessage, label: string): Promise<void>;
  /** Presses a button of what the person alone sees: an ephemeral message, a modal or App Home. */
  pressIn(
    place: { body: Json; view?: SlackView; home?: boolean; channel?: string | null },
    label: string,
  ): Promise<void>;
  /** Fills in a modal by block id and submits it; resolves to the errors at its fields, null when there are none. */
  submit(view: SlackView, values: Record<string, string | boolean>): Promise<Record<string, string> | null>;
  /** Chooses an option in a select of a modal that tells the app at once. */
  choose(view: SlackView, block: string, value: string): Promise<void>;
  /** What a select that asks the app offers for what was typed. */
  suggest(view: SlackView, block: string, typed: string): Promise<string[]>;
  slash(text: string, channel?: string): Promise<void>;
  mention(text: string, channel: string, thread?: string, eventId?: string): Promise<void>;
  shortcut(message: SlackMessage): Promise<void>;
  openHome(): Promise<void>;
  /** Something happens in the workspace that the app subscribed to. */
  event(event: Json): Promise<void>;
}

export function createPerson(user: string, world: World, delivery: () => Delivery, url: () => string): Person {
  const account = () => {
    const { id, name, team_id } = world.users.get(user) ?? { id: user, name: user, team_id: world.team };
    return { id, username: name, name, team_id };
  };
  const trigger = () => {
    const id = `${world.next('tr')}.${world.team}`;
    world.triggers.set(id, { user, at: Date.now(), used: false });
    return id;
  };
  const responseUrl = (channel: string) => {
    const id = world.next('r');
    world.responseUrls.set(id, { user, at: Date.now(), uses: 0, channel });
    return `${url()}/respond/${id}`;
  };
  const common = () => ({
    user: account(),
    team: { id: world.team, domain: 'acme' },
    api_app_id: world.bot.app,
    token: 'legacy',
    enterprise: null,
    is_enterprise_install: false,
  });
  const action = (one: Json) => ({ ...one, action_ts: world.ts() });
  const need = (scope: string) => {
    world.needed.add(scope);
    if (!world.scopes.has(scope)) throw new Refused('missing_scope');
  };

  return {
    async press(message, label) {
      const { channel, ts, thread_ts } = message;
      const button = findButton(message, label);
      const threaded = thread_ts === undefined ? {} : { thread_ts };
      await delivery().send('interactive', {
        type: 'block_actions',
        ...common(),
        container: {
          type: 'message_attachment',
          message_ts: ts,
          attachment_id: 1,
          channel_id: channel,
          is_ephemeral: false,
          is_app_unfurl: false,
          ...threaded,
        },
        trigger_id: trigger(),
        channel: { id: channel, name: 'x' },
        message: { type: 'message', user: message.user, bot_id: message.bot_id, ts, text: message.text, ...threaded },
        state: { values: {} },
        response_url: responseUrl(channel),
        actions: [action(button)],
      });
    },
    async pressIn({ body, view, home, channel }, label) {
      const button = findButton(body, label);
      const shown = view === undefined ? {} : { view: viewPayload(view, {}) };
      const place =
        home === true ? { view: { ...viewPayload({ id: 'VHOME', hash: 'h', user, body }, {}), type: 'home' } } : shown;
      const ephemeral = home !== true && view === undefined;
      await delivery().send('interactive', {
        type: 'block_actions',
        ...common(),
        container: ephemeral
          ? { type: 'message', message_ts: world.ts(), channel_id: channel, is_ephemeral: true }
          : { type: 'view', view_id: view?.id ?? 'VHOME' },
        trigger_id: trigger(),
        ...(ephemeral ? { channel: { id: channel, name: 'x' }, response_url: responseUrl(channel ?? '') } : {}),
        ...place,
        actions: [action(button)],
      });
    },
    async submit(view, values) {
      checkFilledIn(view, values);
      const answer = await delivery().send('interactive', {
        type: 'view_submission',
        ...common(),
        trigger_id: trigger(),
        view: viewPayload(view, values),
        response_urls: [],
      });
      if (answer.response_action === 'errors') {
        for (const block of Object.keys(answer.errors)) {
          const known = view.body.blocks.some((one: Json) => one.block_id === block && one.type === 'input');
          if (!known) throw new Error(`there is no field ${block} to show an error at`);
        }
        world.told.push({
          user,
          how: 'errors',
          channel: null,
          thread: null,
          text: Object.values(answer.errors).join('\n'),
          body: answer,
        });
        return answer.errors;
      }
      if (answer.response_action === 'update') replaceView(view.id, answer.view, world);
      else world.views.delete(view.id);
      return null;
    },
    async choose(view, block, value) {
      const { element } = view.body.blocks.find((one: Json) => one.block_id === block);
      await delivery().send('interactive', {
        type: 'block_actions',
        ...common(),
        container: { type: 'view', view_id: view.id },
        trigger_id: trigger(),
        view: viewPayload(view, { [block]: value }),
        actions: [
          action({
            type: element.type,
            action_id: element.action_id,
            block_id: block,
            selected_option: { value, text: { type: 'plain_text', text: value } },
          }),
        ],
      });
    },
    async suggest(view, block, typed) {
      const { element } = view.body.blocks.find((one: Json) => one.block_id === block);
      const answer = await delivery().send('interactive', {
        type: 'block_suggestion',
        ...common(),
        container: { type: 'view', view_id: view.id },
        action_id: element.action_id,
        block_id: block,
        value: typed,
        view: viewPayload(view, {}),
      });
      const faults = answer.options.length === 0 ? [] : options(answer.options, 100);
      if (faults.length > 0) throw new Error(faults.join(', '));
      return answer.options.map((one: Json) => one.value);
    },
    async slash(text, channel = 'C0ALERTS') {
      need('commands');
      const { id, name, team_id } = account();
      await delivery().send('slash_commands', {
        token: 'legacy',
        team_id,
        team_domain: 'acme',
        channel_id: channel,
        channel_name: 'x',
        user_id: id,
        user_name: name,
        command: '/tocsin',
        text,
        api_app_id: world.bot.app,
        is_enterprise_install: 'false',
        response_url: responseUrl(channel),
        trigger_id: trigger(),
      });
    },
    async mention(text, channel, thread, eventId = world.next('Ev')) {
      need('app_mentions:read');
      const ts = world.ts();
      const threaded = thread === undefined ? {} : { thread_ts: thread };
      const { id, team_id } = account();
      await delivery().send('events_api', {
        token: 'legacy',
        team_id: world.team,
        api_app_id: world.bot.app,
        type: 'event_callback',
        event_id: eventId,
        event_time: Math.floor(Date.now() / 1000),
        authorizations: [{ team_id: world.team, user_id: world.bot.user, is_bot: true, is_enterprise_install: false }],
        event: {
          type: 'app_mention',
          user: id,
          user_team: team_id,
          text: `<@${world.bot.user}> ${text}`,
          ts,
          channel,
          event_ts: ts,
          ...threaded,
        },
      });
    },
    async shortcut(message) {
      need('commands');
      const { channel, ts, thread_ts } = message;
      await delivery().send('interactive', {
        type: 'message_action',
        callback_id: 'tocsin:run_on_this',
        ...common(),
        trigger_id: trigger(),
        channel: { id: channel, name: 'x' },
        message: {
          type: 'message',
          ts,
          user: message.user,
          text: message.text,
          ...(thread_ts === undefined ? {} : { thread_ts }),
        },
        message_ts: ts,
        response_url: responseUrl(channel),
      });
    },
    async event(event) {
      await delivery().send('events_api', {
        token: 'legacy',
        team_id: world.team,
        api_app_id: world.bot.app,
        type: 'event_callback',
        event_id: world.next('Ev'),
        event_time: Math.floor(Date.now() / 1000),
        authorizations: [{ team_id: world.team, user_id: world.bot.user, is_bot: true, is_enterprise_install: false }],
        event,
      });
    },
    async openHome() {
      await delivery().send('events_api', {
        token: 'legacy',
        team_id: world.team,
        api_app_id: world.bot.app,
        type: 'event_callback',
        event_id: world.next('Ev'),
        event_time: Math.floor(Date.now() / 1000),
        authorizations: [{ team_id: world.team, user_id: world.bot.user, is_bot: true, is_enterprise_install: false }],
        event: { type: 'app_home_opened', user, channel: `D${user.slice(1)}`, tab: 'home', event_ts: world.ts() },
      });
    },
  };
}

function findButton(body: Json, label: string): Json {
  const blocks = [...(body.blocks ?? []), ...(body.attachments ?? []).flatMap((one: Json) => one.blocks ?? [])];
  const found = blocks
    .filter((block: Json) => block.type === 'actions')
    .flatMap((block: Json) => block.elements)
    .find((one: Json) => one.text.text === label);
  if (found === undefined) throw new Error(`there is no button ${label} in: ${readable(body)}`);
  const { type, action_id, value, style, text } = found;
  return { type, action_id, block_id: 'b1', value, text, ...(style === undefined ? {} : { style }) };
}

function viewPayload(view: SlackView, values: Record<string, string | boolean>): Json {
  const { type, callback_id = '', private_metadata = '', blocks } = view.body;
  const state: Json = {};
  for (const block of blocks) {
    if (block.type !== 'input') continue;
    state[block.block_id] = { [block.element.action_id]: stateOf(block.element, values[block.block_id]) };
  }
  return { id: view.id, hash: view.hash, type, callback_id, private_metadata, blocks, state: { values: state } };
}

function stateOf(element: Json, given: string | boolean | undefined): Json {
  const { type } = element;
  if (type === 'checkboxes') {
    const on = given === undefined ? element.initial_options !== undefined : given === true;
    return { type, selected_options: on ? element.options : [] };
  }
  if (type === 'static_select' || type === 'external_select') {
    const value = given ?? element.initial_option?.value;
    if (type === 'static_select' && value !== undefined && !element.options.some((one: Json) => one.value === value))
      throw new Error(`there is no option ${value}`);
    return {
      type,
      selected_option: value === undefined ? null : { value, text: { type: 'plain_text', text: String(value) } },
    };
  }
  if (type === 'users_select') return { type, selected_user: given ?? element.initial_user ?? null };
  return { type, value: given ?? element.initial_value ?? null };
}

/** Slack's client lets nobody submit without what must be filled in. */
function checkFilledIn(view: SlackView, values: Record<string, string | boolean>): void {
  for (const name of Object.keys(values)) {
    if (!view.body.blocks.some((block: Json) => block.block_id === name)) throw new Error(`there is no field ${name}`);
  }
  const payload = viewPayload(view, values);
  for (const block of view.body.blocks) {
    if (block.type !== 'input' || block.optional === true) continue;
    const state = payload.state.values[block.block_id][block.element.action_id];
    if (!state.value && !state.selected_option && !state.selected_user && !(state.selected_options?.length > 0))
      throw new Error(`${block.block_id} must be filled in`);
  }
}
