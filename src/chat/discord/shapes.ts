import { z } from 'zod';

/** Schemas of the used fields of Discord's answers and events. Ids are texts, because they exceed 2^53. */
export const id = z.string().regex(/^\d{15,21}$/);

export const anything = z.unknown();
export const application = z.looseObject({ id, interactions_endpoint_url: z.string().nullish() });
export const guilds = z.array(z.looseObject({ id, name: z.string() }));
export const channels = z.array(z.looseObject({ id, name: z.string(), type: z.int() }));
export const thread = z.looseObject({ id, thread_metadata: z.looseObject({ locked: z.boolean() }).optional() });
export const roles = z.array(z.looseObject({ id, name: z.string() }));
export const member = z.looseObject({ roles: z.array(z.string()), pending: z.boolean().nullish() });
export const message = z.looseObject({
  id,
  author: z.looseObject({ id }).optional(),
  embeds: z.array(z.looseObject({ footer: z.looseObject({ text: z.string() }).optional() })).default([]),
  reactions: z
    .array(z.looseObject({ emoji: z.looseObject({ name: z.string().nullable() }), me: z.boolean() }))
    .default([]),
});
export type Message = z.infer<typeof message>;
export const messages = z.array(message);

export const user = z.looseObject({ id, bot: z.boolean().optional(), system: z.boolean().optional() });
const common = z.looseObject({
  id,
  application_id: id,
  token: z.string(),
  guild_id: id.nullish(),
  channel_id: id.nullish(),
  channel: z.looseObject({ type: z.int(), parent_id: id.nullish() }).optional(),
  member: z.looseObject({ user, pending: z.boolean().nullish(), roles: z.array(z.string()).default([]) }).optional(),
  user: user.optional(),
});

const option = z.looseObject({
  name: z.string(),
  value: z.union([z.string(), z.number(), z.boolean()]).optional(),
  focused: z.boolean().optional(),
});
const command = z.looseObject({
  name: z.string(),
  options: z.array(z.looseObject({ name: z.string(), options: z.array(option).default([]) })).default([]),
});
const field = z.looseObject({
  type: z.int().optional(),
  custom_id: z.string(),
  value: z.string().optional(),
  values: z.array(z.string()).optional(),
});

/** The interactions that exist: 2 slash command, 3 press of a component, 4 autocompletion, 5 modal. */
export const interaction = z.discriminatedUnion('type', [
  common.extend({ type: z.literal(2), data: command }),
  common.extend({
    type: z.literal(3),
    data: z.looseObject({ custom_id: z.string() }),
    message: z.looseObject({ id, components: z.array(z.unknown()).default([]) }),
  }),
  common.extend({ type: z.literal(4), data: command }),
  common.extend({
    type: z.literal(5),
    data: z.looseObject({ custom_id: z.string(), components: z.array(z.looseObject({ component: field.optional() })) }),
    message: z.looseObject({ id }).nullish(),
  }),
]);
export type Interaction = z.infer<typeof interaction>;
export type Slash = Extract<Interaction, { type: 2 }>;
export type Press = Extract<Interaction, { type: 3 }>;
export type Completion = Extract<Interaction, { type: 4 }>;
export type Filled = Extract<Interaction, { type: 5 }>;
