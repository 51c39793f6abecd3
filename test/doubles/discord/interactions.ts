import { type Answer, Refusal, type Request } from './rest.ts';
import { choices, messageEdit, modal } from './rules.ts';
import type { Interaction, World } from './world.ts';

const tokenLives = 15 * 60_000;
const ephemeral = 64;

/** The callback of an interaction, and edits of its answer. */
export function respond(world: World, request: Request, ids: readonly string[]): Answer {
  const [, token = ''] = ids;
  const found = world.interactions.get(token);
  if (found === undefined || world.now() - found.at > tokenLives)
    throw new Refusal(401, 50027, 'Invalid Webhook Token');
  if (request.path.endsWith('/callback')) callback(world, found, request);
  else editOriginal(world, found, request);
  return request.path.endsWith('/callback') ? { status: 204 } : { status: 200, body: { id: found.id } };
}

function callback(world: World, found: Interaction, request: Request): void {
  const { type, data } = request.body as { type: number; data?: { flags?: number } };
  if (found.first !== null) throw broken(world, 400, 40060, 'Interaction has already been acknowledged');
  if (world.now() - found.at > world.patience) throw broken(world, 404, 10062, 'Unknown interaction');
  if (!allowed[found.kind].includes(type))
    throw broken(world, 400, 50035, `type ${type} does not answer a ${found.kind}`);
  if (type === 9) found.modal = parse(world, () => modal.parse(data));
  if (type === 8) found.choices = parse(world, () => choices.parse(data)).choices;
  if (type === 4) found.reply = message(world, data, request);
  if (type === 5) found.reply = { body: {}, files: [], flags: data?.flags ?? 0 };
  found.first = type;
  found.ackAfter = world.now() - found.at;
  if (type !== 5 && type !== 6) found.settled.resolve();
}

/** A modal cannot answer a modal; only autocompletion is answered with choices. */
const allowed: Record<Interaction['kind'], readonly number[]> = {
  press: [4, 5, 6, 7, 9],
  slash: [4, 5, 9],
  complete: [8],
  modal: [4, 5, 6, 7],
};

function message(world: World, data: unknown, request: Request): Interaction['reply'] {
  const { flags = 0, ...body } = data as { flags?: number };
  return { body: parse(world, () => messageEdit.parse(body)), files: request.files, flags };
}

function editOriginal(world: World, found: Interaction, request: Request): void {
  if (found.first === null) throw broken(world, 404, 10015, 'Unknown Webhook');
  const flags = found.reply?.flags ?? 0;
  if (flags !== ephemeral) world.violations.push('an answer that everybody sees');
  found.reply = { body: parse(world, () => messageEdit.parse(request.body)), files: request.files, flags };
  found.settled.resolve();
}

function parse<T>(world: World, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw broken(world, 400, 50035, `Invalid Form Body: ${error instanceof Error ? error.message : error}`);
  }
}

function broken(world: World, status: number, code: number, text: string): Refusal {
  world.violations.push(`${code}: ${text}`);
  return new Refusal(status, code, text);
}
