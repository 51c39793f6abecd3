import { markOf, type Post } from '../../model/card.ts';

/** Where a message of ours is. Written `<channel>/<message>`; the channel of a reply is its thread. */
export interface Ref {
  channel: string;
  message: string;
}

export function parseRef(text: string | null | undefined): Ref | null {
  const match = /^(\d{15,21})\/(\d{15,21})$/.exec(text ?? '');
  return match?.[1] === undefined || match[2] === undefined ? null : { channel: match[1], message: match[2] };
}

export function writeRef({ channel, message }: Ref): string {
  return `${channel}/${message}`;
}

/** A post in its channel: one that moved to another channel, or was renewed, is another message. */
export function placeName(post: Pick<Post, 'channel' | 'key' | 'renewed'>): string {
  return `${post.channel} ${markOf(post)}`;
}
