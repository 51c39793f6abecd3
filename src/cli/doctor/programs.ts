import type { Subject } from '../../app/overview/subjects.ts';
import { type ChildrenParts, createChildren } from '../../kernel/child/child.ts';
import { systemClock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { silentLog } from '../../kernel/log.ts';
import type { Terminal } from '../terminal.ts';

/** What a helper costs that is not the compiled one, by its kind. */
const slower: Readonly<Record<string, string>> = {
  perl: 'written in Perl: with a C compiler here (Debian: gcc and libc6-dev) the next start compiles one that needs a third of the time',
  node: 'written in Node, since there is neither a C compiler nor Perl here: each one takes ten times as long',
};

/** Starts one program as a step would. `parts` are for tests. */
export async function checkPrograms(terminal: Terminal, parts: Partial<ChildrenParts> = {}): Promise<Subject> {
  const path = terminal.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  const children = createChildren({ clock: systemClock, log: silentLog, path, home: '/', ...parts });
  const what = 'programs of steps are started by helper processes';
  const io = { marker: 'doctor/programs/1', signal: AbortSignal.timeout(60_000), grace: 1000, onOutput() {} };
  try {
    await children.spawn({ argv: ['true'] }, io);
    const because = children.impaired();
    if (because !== null) {
      const remedy =
        'Install a C compiler or Perl, start again, and see what limits processes here (ulimit -u, seccomp, a missing /proc).';
      const cost = 'the main process starts them and stands still each time';
      return { title: 'steps', findings: [{ what, state: 'warning', because: `${cost}: ${because}`, remedy }] };
    }
    const slow = slower[children.helpers()[0] ?? ''];
    return { title: 'steps', findings: [{ what, state: 'ok', ...(slow === undefined ? {} : { because: slow }) }] };
  } catch (error) {
    return { title: 'steps', findings: [{ what, state: 'bad', because: messageOf(error) }] };
  } finally {
    children.close();
  }
}
