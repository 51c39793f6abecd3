import { readChart } from '../../kernel/chart/chart.ts';
import type { Drawer } from '../../kernel/chart/draw.ts';
import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Post } from '../../model/card.ts';
import type { Picture } from '../../model/picture.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { ChatConnection, PictureFile } from '../../ports/chat.ts';
import type { Store } from '../../ports/store.ts';

export interface PicturePosting {
  connection: Pick<ChatConnection, 'deliver' | 'upload'>;
  store: Pick<Store, 'blob'>;
  drawer?: Pick<Drawer, 'png'>;
  log: Log;
  catalogue: Pick<Catalogue, 'current'>;
}

/** The picture of a post; null for a post without one. */
export function pictureOf({ card }: Post): Picture | null {
  return card.blocks.find(block => block.kind === 'picture') ?? null;
}

/** Sends the picture as a file into the thread. Where that cannot be, the text is posted instead: it says what there is to see. */
export async function sendPicture(
  post: Post,
  picture: Picture,
  root: Post | null,
  parts: PicturePosting,
): Promise<string> {
  const { connection, log } = parts;
  const file = connection.upload === undefined || post.ref !== null ? null : await drawn(picture, parts);
  if (file === null || connection.upload === undefined) return await connection.deliver(post, root);
  try {
    await connection.upload(post, file, root);
    return 'file';
  } catch (error) {
    // For example no permission for files.
    const at = error instanceof TocsinError ? (error.at ?? '') : '';
    if (!isCode(error, 'chat-refused') || at.startsWith('channel') || at.startsWith('thread')) throw error;
    log.warn({ post: post.key, because: messageOf(error) }, 'a picture was refused as a file; its text is posted');
    return await connection.deliver(post, root);
  }
}

async function drawn(
  { id, alt }: Picture,
  { store, drawer, log, catalogue }: PicturePosting,
): Promise<PictureFile | null> {
  const bytes = drawer === undefined ? null : await store.blob(id);
  const chart = bytes === null ? null : readChart(bytes);
  if (chart === null || drawer === undefined) return null;
  try {
    const png = await drawer.png(chart, { zone: catalogue.current().config.timezone, theme: 'light' });
    return { name: nameOf(chart.title), png, alt };
  } catch (error) {
    log.warn({ picture: id, because: messageOf(error) }, 'a picture could not be drawn; its text is posted');
    return null;
  }
}

function nameOf(title: string): string {
  const plain = title
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+|-+$/g, '')
    .slice(0, 60);
  return `${plain === '' ? 'picture' : plain}.png`;
}
