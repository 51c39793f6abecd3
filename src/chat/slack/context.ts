import type { ChatHost } from '../../ports/chat.ts';
import type { SlackClient } from './client.ts';
import type { Groups } from './groups.ts';
import type { Identify } from './identify.ts';
import type { Mentions } from './mentions.ts';
import type { SlackMessage } from './render.ts';
import type { Session } from './session.ts';
import type { Subjects } from './subjects.ts';

/** The dependencies of all handlers of this platform. */
export interface SlackContext {
  client: SlackClient;
  host: ChatHost;
  session: Session;
  identify: Identify;
  groups: Groups;
  mentions: Mentions;
  subjects: Subjects;
}

/** Where a person acted, and where the answer goes. */
export interface Origin {
  user: string;
  /** Null in App Home and in modals that no channel belongs to. */
  channel: string | null;
  /** The `ts` of the thread's root; null outside of threads. */
  thread: string | null;
  /** The address that Slack gave for answers, or null. */
  responseUrl: string | null;
}

export type Tell = (message: SlackMessage) => Promise<void>;
