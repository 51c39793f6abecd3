import type { ChatHost } from '../../ports/chat.ts';
import type { SlackClient } from './client.ts';
import type { Groups } from './groups.ts';
import type { Identify } from './identify.ts';
import type { Mentions } from './mentions.ts';
import type { SlackMessage } from './render.ts';
import type { Session } from './session.ts';
import type { Subjects } from './subjects.ts';

/** What everything that people do in Slack is handled with. */
export interface SlackContext {
  client: SlackClient;
  host: ChatHost;
  session: Session;
  identify: Identify;
  groups: Groups;
  mentions: Mentions;
  subjects: Subjects;
}

/** Where somebody did something, and where they are answered. */
export interface Origin {
  user: string;
  /** Null in App Home and in modals that no channel belongs to. */
  channel: string | null;
  /** The root's `ts` when it was in a thread. */
  thread: string | null;
  /** The address that Slack gave for answers, or null. */
  responseUrl: string | null;
}

export type Tell = (message: SlackMessage) => Promise<void>;
