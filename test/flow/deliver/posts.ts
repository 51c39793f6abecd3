import type { Post } from '../../../src/model/card.ts';
import type { Harness } from './harness.ts';

/** Posts as the projection writes them, with the fields that delivery looks at. */
export function card(title: string, over: Partial<Post['card']> = {}): Post['card'] {
  return { tone: 'info', title, badge: null, blocks: [], buttons: [], mention: [], ...over };
}

export function root(name: string, over: Partial<Post> = {}): Partial<Post> {
  return { key: `alert/${name}/1`, card: card(name), over: false, ...over };
}

export function note(thread: string, name: string, over: Partial<Post> = {}): Partial<Post> {
  return { key: `note/${thread}-${name}/0`, thread: `alert/${thread}/1`, card: card(name), over: true, ...over };
}

/** The run's card, with one step that runs. */
export function runPost(thread: string, run: string, over: Partial<Post> = {}, state = 'running'): Partial<Post> {
  const steps = [{ id: 'clean', title: 'Clean up', state, because: null }];
  return {
    key: `run/${run}`,
    thread: `alert/${thread}/1`,
    run,
    card: card(run, { blocks: [{ kind: 'progress', done: 0, total: 1, startedAt: 1, finishedAt: null, steps }] }),
    over: false,
    ...over,
  };
}

/** The post as it is, wanted once more. */
export async function edited(harness: Harness, key: string, over: Partial<Post>): Promise<Post> {
  const now = await harness.store.post('slack', key);
  if (now === null) throw new Error(`no post ${key}`);
  return { ...now, wanted: now.wanted + 1, ...over };
}
