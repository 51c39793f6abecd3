import type { Json } from './world.ts';

/** Limits as docs.slack.dev/reference/block-kit gives them; see the facts in docs/slack.md. */
const most = {
  blocks: 50,
  viewBlocks: 100,
  characters: 13_200,
  text: 40_000,
  updateText: 4000,
  metadata: 3000,
  view: 250_000,
};

/** What Slack would say against a message, or null. */
export function refuseMessage(
  args: Json,
  what: 'post' | 'update' | 'ephemeral',
): { error: string; messages: string[] } | null {
  const { text = '', blocks = [], attachments = [] } = args;
  const all = [...blocks, ...attachments.flatMap((one: Json) => one.blocks ?? [])];
  if (text === '' && all.length === 0) return { error: 'no_text', messages: [] };
  if (text.length > (what === 'update' ? most.updateText : most.text)) return { error: 'msg_too_long', messages: [] };
  const faults = [...blockFaults(all, most.blocks), ...attachments.flatMap(attachmentFaults)];
  if (faults.length > 0) return { error: 'invalid_blocks', messages: faults.map(fault => `[ERROR] ${fault}`) };
  if (characters(all) > most.characters) return { error: 'msg_blocks_too_long', messages: [] };
  return args.metadata === undefined ? null : refuseMetadata(args.metadata);
}

function refuseMetadata(metadata: Json) {
  const flat = Object.values(metadata.event_payload ?? {}).every(one => one === null || typeof one !== 'object');
  const fine = typeof metadata.event_type === 'string' && /^[a-z][a-z0-9_]*$/.test(metadata.event_type) && flat;
  return fine ? null : { error: 'invalid_metadata_format', messages: [] };
}

function attachmentFaults(one: Json): string[] {
  return one.color === undefined || /^(#[0-9a-f]{6}|good|warning|danger)$/i.test(one.color) ? [] : ['attachment color'];
}

export function refuseView(view: Json): string[] {
  const faults = blockFaults(view.blocks ?? [], most.viewBlocks);
  if (!['modal', 'home'].includes(view.type)) faults.push('view type');
  if ((view.private_metadata ?? '').length > most.metadata)
    faults.push('private_metadata must be less than 3001 characters');
  if ((view.callback_id ?? '').length > 255) faults.push('callback_id');
  if (JSON.stringify(view).length > most.view) faults.push('view is too large');
  const inputs = (view.blocks ?? []).some((block: Json) => block.type === 'input');
  if (view.type === 'modal') {
    faults.push(...plain(view.title, 24, 'title'));
    for (const name of ['submit', 'close']) if (view[name] !== undefined) faults.push(...plain(view[name], 24, name));
    if (inputs && view.submit === undefined) faults.push('submit is required when the view has input blocks');
  }
  return faults;
}

function blockFaults(blocks: Json[], limit: number): string[] {
  const faults = blocks.length > limit ? [`no more than ${limit} items allowed`] : [];
  const ids = blocks.map(block => block.block_id).filter(id => id !== undefined);
  if (new Set(ids).size !== ids.length) faults.push('block_id must be unique');
  if (ids.some(id => id.length > 255)) faults.push('block_id too long');
  return [
    ...faults,
    ...blocks.flatMap((block, index) => oneBlock(block).map(fault => `${fault} [json-pointer:/blocks/${index}]`)),
  ];
}

function oneBlock(block: Json): string[] {
  switch (block.type) {
    case 'rich_text':
      return block.elements?.length > 0 ? block.elements.flatMap(richPart) : ['rich_text must have elements'];
    case 'actions':
      return actionsFaults(block);
    case 'input':
      return [
        ...plain(block.label, 2000, 'label'),
        ...(block.hint ? plain(block.hint, 2000, 'hint') : []),
        ...element(block.element),
      ];
    case 'divider':
      return [];
    case 'context':
      return contextFaults(block);
    default:
      return [`unsupported block ${block.type}`];
  }
}

function contextFaults({ elements = [] }: Json): string[] {
  const faults = elements.length < 1 || elements.length > 10 ? ['context must have 1 to 10 elements'] : [];
  return [...faults, ...elements.flatMap((one: Json) => plain(one, 3000, 'context'))];
}

function actionsFaults(block: Json): string[] {
  const { elements = [] } = block;
  const ids = elements.map((one: Json) => one.action_id);
  const faults = elements.length < 1 || elements.length > 25 ? ['actions must have 1 to 25 elements'] : [];
  if (new Set(ids).size !== ids.length) faults.push('action_id must be unique');
  return [...faults, ...elements.flatMap(element)];
}

const parts = ['rich_text_section', 'rich_text_preformatted', 'rich_text_list', 'rich_text_quote'];
const pieces = ['text', 'emoji', 'link', 'user', 'usergroup', 'date'];
/** The tokens of a date's format, from docs.slack.dev/reference/block-kit/block-elements/date-element. */
const dateTokens =
  /^(day_divider_pretty|date_num|date_slash|date_long(_full|_pretty)?|date(_pretty|_short|_short_pretty)?|time(_secs)?|ago)$/;

function dateFaults({ timestamp, format, fallback }: Json): string[] {
  if (!Number.isInteger(timestamp)) return ['must provide an integer'];
  const tokens = [...String(format ?? '').matchAll(/\{([^}]*)\}/g)].map(match => match[1] ?? '');
  if (tokens.length === 0 || tokens.some(token => !dateTokens.test(token))) return [`date format ${format}`];
  return typeof fallback === 'string' && fallback !== '' ? [] : ['date fallback'];
}

function richPart(part: Json): string[] {
  if (!parts.includes(part.type)) return [`rich text part ${part.type}`];
  if (!(part.elements?.length > 0)) return ['rich text part must have elements'];
  return part.elements.flatMap((one: Json) => {
    if (!pieces.includes(one.type)) return [`rich text element ${one.type}`];
    if (one.type === 'text' && (typeof one.text !== 'string' || one.text === ''))
      return ['text must be more than 0 characters'];
    if (one.type === 'date') return dateFaults(one);
    if (one.type === 'link' && !/^(https?|mailto):/.test(one.url ?? '')) return ['invalid url'];
    return [];
  });
}

function element(one: Json): string[] {
  const faults = typeof one?.action_id === 'string' && one.action_id.length <= 255 ? [] : ['action_id'];
  if (one?.placeholder) faults.push(...plain(one.placeholder, 150, 'placeholder'));
  switch (one?.type) {
    case 'button':
      if ((one.value ?? '').length > 2000) faults.push('value must be less than 2001 characters');
      if (one.style !== undefined && !['primary', 'danger'].includes(one.style)) faults.push('style');
      return [...faults, ...plain(one.text, 75, 'button text')];
    case 'plain_text_input':
      return (one.initial_value ?? '').length > 3000 || (one.max_length ?? 1) > 3000
        ? [...faults, 'plain_text_input length']
        : faults;
    case 'number_input':
      return typeof one.is_decimal_allowed === 'boolean' ? faults : [...faults, 'is_decimal_allowed'];
    case 'static_select':
      return [...faults, ...options(one.options, 100)];
    case 'external_select':
      return faults;
    case 'users_select':
      return one.initial_user === undefined || /^[UW][A-Z0-9]+$/.test(one.initial_user)
        ? faults
        : [...faults, 'initial_user'];
    case 'checkboxes':
      return [...faults, ...options(one.options, 10)];
    default:
      return [`element ${one?.type}`];
  }
}

export function options(all: Json[] = [], limit: number): string[] {
  const faults = all.length < 1 || all.length > limit ? [`options must be 1 to ${limit}`] : [];
  for (const one of all) {
    faults.push(...plain(one.text, 75, 'option text'));
    if (typeof one.value !== 'string' || one.value === '' || one.value.length > 150) faults.push('option value');
  }
  return faults;
}

function plain(text: Json, limit: number, name: string): string[] {
  if (text?.type !== 'plain_text' || typeof text.text !== 'string') return [`${name} must be plain_text`];
  return text.text.length < 1 || text.text.length > limit ? [`${name} must be 1 to ${limit} characters`] : [];
}

/** Texts, addresses and values, wherever they are. */
function characters(value: Json): number {
  if (Array.isArray(value)) return value.reduce((sum, one) => sum + characters(one), 0);
  if (value === null || typeof value !== 'object') return 0;
  return Object.entries(value).reduce(
    (sum, [key, one]) =>
      sum + (typeof one === 'string' ? (['text', 'url', 'value'].includes(key) ? one.length : 0) : characters(one)),
    0,
  );
}
