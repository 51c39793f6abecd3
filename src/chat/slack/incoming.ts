import { z } from 'zod';

/** Schemas of the used fields of Slack's payloads. Other fields are ignored; a payload that does not match is refused and logged. */

const user = z.object({ id: z.string(), team_id: z.string().optional() });
const team = z.object({ id: z.string() }).nullish();

const container = z.object({
  type: z.string(),
  channel_id: z.string().optional(),
  message_ts: z.string().optional(),
  thread_ts: z.string().optional(),
  view_id: z.string().optional(),
});

const option = z.object({ value: z.string() });

/** The value of one field of a modal, by the type of its element. */
export const fieldState = z.looseObject({
  type: z.string(),
  value: z.string().nullish(),
  selected_option: option.nullish(),
  selected_options: z.array(option).nullish(),
  selected_user: z.string().nullish(),
});
export type FieldState = z.infer<typeof fieldState>;

export const view = z.object({
  id: z.string(),
  hash: z.string().optional(),
  type: z.string(),
  callback_id: z.string().default(''),
  private_metadata: z.string().default(''),
  state: z.object({ values: z.record(z.string(), z.record(z.string(), fieldState)) }).optional(),
});

export const blockActions = z.object({
  type: z.literal('block_actions'),
  user,
  team,
  trigger_id: z.string(),
  container: container.optional(),
  channel: z.object({ id: z.string() }).optional(),
  message: z.object({ ts: z.string(), thread_ts: z.string().optional() }).optional(),
  view: view.optional(),
  response_url: z.string().optional(),
  actions: z
    .array(
      z.looseObject({
        action_id: z.string(),
        action_ts: z.string().optional(),
        value: z.string().optional(),
        selected_option: option.nullish(),
      }),
    )
    .min(1),
});
export type BlockActions = z.infer<typeof blockActions>;

export const viewSubmission = z.object({
  type: z.literal('view_submission'),
  user,
  team,
  trigger_id: z.string(),
  view,
});
export type ViewSubmission = z.infer<typeof viewSubmission>;

export const slashCommand = z.object({
  command: z.string(),
  text: z.string().default(''),
  user_id: z.string(),
  team_id: z.string(),
  channel_id: z.string(),
  trigger_id: z.string(),
  response_url: z.string(),
});
export type SlashCommand = z.infer<typeof slashCommand>;

export const messageShortcut = z.object({
  type: z.literal('message_action'),
  user,
  team,
  trigger_id: z.string(),
  channel: z.object({ id: z.string() }),
  message: z.object({ ts: z.string(), thread_ts: z.string().optional() }),
});

export const suggestion = z.object({ type: z.literal('block_suggestion'), value: z.string().default('') });

export const mention = z.object({
  team_id: z.string(),
  event: z.object({
    user: z.string().optional(),
    bot_id: z.string().optional(),
    user_team: z.string().optional(),
    text: z.string().default(''),
    channel: z.string(),
    ts: z.string(),
    thread_ts: z.string().optional(),
  }),
});

export const homeOpened = z.object({
  team_id: z.string(),
  event: z.object({ user: z.string(), tab: z.string().optional() }),
});

/** The account that did it: the home of the user where Slack names it, else the workspace that the payload is of. */
export function accountOf(body: { user: z.infer<typeof user>; team?: z.infer<typeof team> }) {
  return { user: body.user.id, team: body.user.team_id ?? body.team?.id ?? null };
}
