import { isCode, TocsinError } from '../../kernel/errors.ts';
import { cutLine } from '../../kernel/text.ts';
import type { Post } from '../../model/card.ts';
import type { ChatFile, TextFile } from '../../ports/chat.ts';
import { callTimeout, fetchInTime } from './client.ts';
import { type DeliverParts, placeOf } from './deliver.ts';
import { asking, isAmbiguous } from './failure.ts';
import { findFile, type Place } from './find.ts';

/** The longest text for screen readers, characters. */
const mostAlt = 1000;

/** Puts a file into the post's thread: an address, the bytes, and then the sharing, which is the step that people see. */
export async function uploadFile(post: Post, file: ChatFile, root: Post | null, parts: DeliverParts): Promise<void> {
  const bytes = 'png' in file ? Buffer.from(file.png) : Buffer.from(await wholeText(file.text), 'utf8');
  // The title of a picture says what there is to see: Slack shows it above, and takes no markup in it.
  const title = 'png' in file ? cutLine(file.alt, 250) : file.name;
  // Slack refuses an empty file.
  if (bytes.length === 0) return;
  const place = await placeOf(post, root, parts);
  await requireThread(place, parts);
  const since = parts.host.clock.now();
  const { upload_url: url, file_id: id } = await asking(
    { method: 'files.getUploadURLExternal' },
    parts.client.files.getUploadURLExternal({
      filename: file.name,
      length: bytes.length,
      ...('png' in file ? { alt_text: cutLine(file.alt, mostAlt), alt_txt: cutLine(file.alt, mostAlt) } : {}),
    }),
  );
  if (url === undefined || id === undefined) throw down('Slack gave no address to upload to.');
  await sendBytes(url, bytes);
  const share = {
    files: [{ id, title }],
    channel_id: place.channel,
    ...(place.thread === null ? {} : { thread_ts: place.thread }),
  };
  try {
    await parts.client.files.completeUploadExternal(
      share as Parameters<typeof parts.client.files.completeUploadExternal>[0],
    );
  } catch (error) {
    // The answer was lost. The thread is searched for the file, so that it is not shared twice.
    if (isAmbiguous(error) && (await findFile(place, id, since, parts.client))) return;
    await asking({ method: 'files.completeUploadExternal', channel: post.channel }, Promise.reject(error));
  }
}

/** Whether Slack shares a file in a thread whose root was deleted is not documented, and its answer does not say. So the thread is looked at first. */
async function requireThread({ channel, thread }: Place, { client }: DeliverParts): Promise<void> {
  if (thread === null) return;
  const look = asking(
    { method: 'conversations.replies' },
    client.conversations.replies({ channel, ts: thread, limit: 1 }),
  );
  await look.catch(error => {
    if (isCode(error, 'chat-root-gone')) throw error;
  });
}

async function sendBytes(url: string, bytes: Buffer): Promise<void> {
  const sent = await fetchInTime(url, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
    redirect: 'error',
    signal: AbortSignal.timeout(callTimeout * 6),
  }).catch(error => {
    throw down('The file did not reach Slack.', error);
  });
  await sent.body?.cancel();
  if (!sent.ok) throw down(`Slack answered the upload with ${sent.status}.`);
}

function down(message: string, cause?: unknown): TocsinError {
  return new TocsinError('chat-down', { message, at: 'files upload', cause });
}

async function wholeText(text: TextFile['text']): Promise<string> {
  if (typeof text === 'string') return text;
  let whole = '';
  for await (const chunk of text) whole += chunk;
  return whole;
}
