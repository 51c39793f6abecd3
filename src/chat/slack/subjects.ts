import { gateOfKey, type Post } from '../../model/card.ts';
import type { SlackClient } from './client.ts';
import { keyAt } from './find.ts';
import type { Ref } from './ref.ts';
import type { Session } from './session.ts';

/** The subject of a thread. */
export interface Subject {
  alert: string | null;
  run: string | null;
  gate: string | null;
}

/** Which alert, run or gate a message of ours is about: for mentions and shortcuts in its thread. */
export interface Subjects {
  learn(ref: Ref, post: Post): void;
  /** By the `ts` of the thread's root; nothing is known of threads of others. */
  at(ref: Ref): Promise<Subject>;
}

const mostKnown = 5000;
const nothing: Subject = { alert: null, run: null, gate: null };

export function createSubjects(client: SlackClient, session: Session): Subjects {
  const known = new Map<string, Subject>();
  return {
    learn(ref, post) {
      if (post.thread !== null) return;
      const name = `${ref.channel}/${ref.ts}`;
      known.delete(name);
      known.set(name, { alert: post.alert, run: post.run, gate: gateOfKey(post.key) });
      if (known.size > mostKnown) for (const oldest of known.keys().take(1)) known.delete(oldest);
    },
    async at(ref) {
      const found = known.get(`${ref.channel}/${ref.ts}`);
      if (found !== undefined) return found;
      // After a restart, the metadata of the root still names its post.
      const key = await keyAt(ref, client, session);
      return key === null ? nothing : subjectOf(key);
    },
  };
}

/** Marks come from model/card.ts: `alert/<id>/<episode>`, `run/<id>` or `gate/<id>`, then a space and a suffix for copies and renewed posts. */
function subjectOf(mark: string): Subject {
  const [kind, id] = mark.split(' ', 1).join('').split('/');
  if (id === undefined) return nothing;
  return { alert: kind === 'alert' ? id : null, run: kind === 'run' ? id : null, gate: gateOfKey(mark) };
}
