import type { SlackClient } from './client.ts';
import { asking } from './failure.ts';
import type { Session } from './session.ts';

/** The metadata type of our messages. The payload holds ids only, because everybody in the workspace can read it. */
export const metadataType = 'tocsin_post';

/** Where a message would be: in a channel, or in the thread of a root. */
export interface Place {
  channel: string;
  /** The `ts` of the root; null for a root itself. */
  thread: string | null;
}

const pageSize = 200;
const mostPages = 10;
/** The allowed clock skew, milliseconds. */
const skew = 300_000;

interface Found {
  ts?: string;
  bot_id?: string;
  user?: string;
  metadata?: { event_type?: string; event_payload?: Record<string, unknown> };
  files?: { id?: string }[];
}

/**
 * Finds the messages posted under these keys since `since` (milliseconds since the epoch), by their metadata. After a lost answer, or a
 * crash before the reference was stored, only Slack knows whether a message was posted.
 */
export async function findPosts(
  place: Place,
  since: number,
  client: SlackClient,
  session: Session,
): Promise<Map<string, string>> {
  const keys = new Map<string, string>();
  await eachMessage(place, since, client, async message => {
    const key = await keyOf(message, session);
    if (key !== null && message.ts !== undefined && !keys.has(key)) keys.set(key, message.ts);
  });
  return keys;
}

/** Whether a file was shared in the thread. */
export async function findFile(place: Place, id: string, since: number, client: SlackClient): Promise<boolean> {
  let found = false;
  await eachMessage(place, since, client, async message => {
    found ||= message.files?.some(file => file.id === id) === true;
  });
  return found;
}

/** The key of the post that a message of this app shows; null for messages of others, whatever their metadata says. */
export async function keyAt(place: { channel: string; ts: string }, client: SlackClient, session: Session) {
  const answer = await asking(
    { method: 'conversations.replies' },
    client.conversations.replies({ channel: place.channel, ts: place.ts, limit: 1, include_all_metadata: true }),
  );
  const first = answer.messages?.find(message => message.ts === place.ts);
  return first === undefined ? null : keyOf(first as Found, session);
}

async function keyOf(message: Found, session: Session): Promise<string | null> {
  if (message.metadata?.event_type !== metadataType) return null;
  const { bot, botUser } = await session.ready();
  const own = message.bot_id === undefined ? message.user === botUser : message.bot_id === bot;
  const key = message.metadata.event_payload?.['key'];
  return own && typeof key === 'string' ? key : null;
}

async function eachMessage(
  { channel, thread }: Place,
  since: number,
  client: SlackClient,
  take: (message: Found) => Promise<void>,
): Promise<void> {
  const oldest = String(Math.max(0, since - skew) / 1000);
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const common = {
      channel,
      oldest,
      limit: pageSize,
      include_all_metadata: true,
      ...(cursor === undefined ? {} : { cursor }),
    };
    const answer =
      thread === null
        ? await asking({ method: 'conversations.history' }, client.conversations.history(common))
        : await asking({ method: 'conversations.replies' }, client.conversations.replies({ ...common, ts: thread }));
    for (const message of answer.messages ?? []) await take(message as Found);
    cursor = answer.response_metadata?.next_cursor || undefined;
    if (cursor === undefined) return;
  }
}
