import { z } from 'zod';

/** What Discord takes, with its limits (facts/chat-platforms.md of the design). Unknown keys are refused, so that a typing error is seen. */
const said = (max: number) =>
  z
    .string()
    .max(max)
    .refine(text => text.trim() !== '', 'This field is required');

const embed = z.strictObject({
  title: said(256).optional(),
  description: said(4096).optional(),
  url: z.url({ protocol: /^https?$/ }).optional(),
  color: z.int().min(0).max(0xffffff).optional(),
  timestamp: z.iso.datetime().optional(),
  footer: z.strictObject({ text: said(2048) }).optional(),
  fields: z
    .array(z.strictObject({ name: said(256), value: said(1024), inline: z.boolean().optional() }))
    .max(25)
    .optional(),
});

const buttonComponent = z.union([
  z.strictObject({
    type: z.literal(2),
    style: z.int().min(1).max(4),
    label: said(80),
    custom_id: said(100),
    disabled: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal(2),
    style: z.literal(5),
    label: said(80),
    url: z.url({ protocol: /^https?$/ }).max(512),
  }),
]);
const actionRow = z.strictObject({ type: z.literal(1), components: z.array(buttonComponent).min(1).max(5) });

const messageShape = {
  content: z.string().max(2000).optional(),
  embeds: z.array(embed).max(10).optional(),
  components: z.array(actionRow).max(5).optional(),
  flags: z.int().optional(),
  /** Not demanded by Discord, but by us: without it, text could ping people. */
  allowed_mentions: z.strictObject({
    parse: z.array(z.never()),
    users: z
      .array(z.string().regex(/^\d{17,20}$/))
      .max(100)
      .optional(),
  }),
  attachments: z
    .array(z.strictObject({ id: z.int(), filename: z.string().min(1), description: z.string().max(1024).optional() }))
    .max(10)
    .optional(),
};

export const messageEdit = z.strictObject(messageShape).superRefine(checkMessage);
export const messageCreate = z
  .strictObject({ ...messageShape, nonce: z.string().max(25).optional(), enforce_nonce: z.boolean().optional() })
  .superRefine(checkMessage);

export type MessageBody = z.infer<typeof messageCreate>;
export type EmbedBody = z.infer<typeof embed>;

function checkMessage(body: Omit<MessageBody, 'nonce'>, context: z.RefinementCtx): void {
  const total = (body.embeds ?? []).reduce((sum, one) => sum + sizeOf(one), 0);
  if (total > 6000) context.addIssue(`Embed size exceeds maximum size of 6000: ${total}`);
  const ids = (body.components ?? []).flatMap(row =>
    row.components.map(one => ('custom_id' in one ? one.custom_id : '')),
  );
  const own = ids.filter(id => id !== '');
  if (new Set(own).size !== own.length) context.addIssue('Component custom id cannot be duplicated');
}

function sizeOf(one: EmbedBody): number {
  const fields = (one.fields ?? []).map(field => field.name + field.value);
  return [one.title, one.description, one.footer?.text, ...fields].join('').length;
}

const textInput = z.strictObject({
  type: z.literal(4),
  custom_id: said(100),
  style: z.union([z.literal(1), z.literal(2)]),
  min_length: z.int().min(0).max(4000).optional(),
  max_length: z.int().min(1).max(4000).optional(),
  required: z.boolean().optional(),
  value: z.string().max(4000).optional(),
  placeholder: z.string().max(100).optional(),
});
const select = z.strictObject({
  type: z.literal(3),
  custom_id: said(100),
  options: z
    .array(z.strictObject({ label: said(100), value: said(100), default: z.boolean().optional() }))
    .min(1)
    .max(25),
  required: z.boolean().optional(),
  placeholder: z.string().max(150).optional(),
});
const userSelect = z.strictObject({
  type: z.literal(5),
  custom_id: said(100),
  required: z.boolean().optional(),
  placeholder: z.string().max(150).optional(),
});
export const modal = z.strictObject({
  custom_id: said(100),
  title: said(45),
  components: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({
          type: z.literal(18),
          label: said(45),
          description: z.string().max(100).optional(),
          component: z.discriminatedUnion('type', [textInput, select, userSelect]),
        }),
        // discord-api-types, APIModalInteractionResponseCallbackComponent; the length is that of a message's text displays.
        z.strictObject({ type: z.literal(10), content: said(4000) }),
      ]),
    )
    .min(1)
    .max(5)
    .refine(
      all => all.reduce((sum, one) => sum + (one.type === 10 ? one.content.length : 0), 0) <= 4000,
      'The text displays are too long',
    )
    .refine(all => all.some(one => one.type === 18), 'A form asks for something'),
});
export type ModalField = Extract<z.infer<typeof modal>['components'][number], { type: 18 }>;
export type ModalBody = z.infer<typeof modal>;

const commandName = z.string().regex(/^[-_\p{Ll}\p{N}]{1,32}$/u);
const option = z
  .strictObject({
    type: z.union([z.literal(3), z.literal(4), z.literal(5), z.literal(10)]),
    name: commandName,
    description: said(100),
    required: z.boolean().optional(),
    autocomplete: z.boolean().optional(),
    choices: z
      .array(z.strictObject({ name: said(100), value: z.string().max(100) }))
      .max(25)
      .optional(),
    max_length: z.int().min(1).max(6000).optional(),
  })
  .refine(
    one => !(one.autocomplete === true && one.choices !== undefined),
    'choices and autocomplete exclude each other',
  );
const options = z
  .array(option)
  .max(25)
  .refine(all => {
    const firstOptional = all.findIndex(one => one.required !== true);
    return firstOptional < 0 || all.slice(firstOptional).every(one => one.required !== true);
  }, 'Required options must be placed before non-required options');
export const commands = z
  .array(
    z.strictObject({
      type: z.literal(1).optional(),
      name: commandName,
      description: said(100),
      contexts: z.array(z.int()).optional(),
      options: z
        .array(
          z.strictObject({
            type: z.literal(1),
            name: commandName,
            description: said(100),
            options: options.optional(),
          }),
        )
        .max(25),
    }),
  )
  .max(100);
export type CommandBody = z.infer<typeof commands>[number];

export const choices = z.strictObject({
  choices: z.array(z.strictObject({ name: said(100), value: z.string().min(1).max(100) })).max(25),
});
