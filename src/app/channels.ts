import type { Clock } from '../kernel/clock.ts';
import { messageOf, TocsinError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { showProblems } from '../load/problems.ts';
import { unknownChannels } from '../load/routes.ts';
import type { Catalogue, Problem } from '../ports/catalogue.ts';
import type { ChatConnection } from '../ports/chat.ts';

/** Checks that the channels that tocsin.yaml names exist, as far as the platforms answer. */
export interface ChannelCheck {
  /** Rejects with `file-invalid`, naming all channels that do not exist. */
  assertKnown(): Promise<void>;
  /** The same as a text for /readyz, after an edit of the file. The configuration stays in force; threads go to the fallback channel. */
  trouble(): string | null;
  close(): void;
}

export interface ChannelCheckParts {
  catalogue: Pick<Catalogue, 'current' | 'onChange'>;
  connections: ReadonlyMap<string, { connection: Pick<ChatConnection, 'channels'> }>;
  clock: Clock;
  log: Log;
}

/** How long a platform may take to list its channels, milliseconds. After that they count as unknown. */
const patience = 5000;

export function createChannelCheck(parts: ChannelCheckParts): ChannelCheck {
  let problems: readonly Problem[] = [];
  const off = parts.catalogue.onChange(() => {
    findUnknown(parts).then(
      found => {
        problems = found;
        if (found.length > 0) parts.log.error({ problems: found }, 'routes name channels that do not exist');
      },
      error => parts.log.warn({ because: messageOf(error) }, 'the channels of the routes could not be checked'),
    );
  });
  return {
    async assertKnown() {
      const found = await findUnknown(parts);
      if (found.length === 0) return;
      throw new TocsinError('file-invalid', {
        message: `${found.length === 1 ? 'One channel does' : `${found.length} channels do`} not exist:\n${showProblems(found)}`,
        remedy:
          'Correct the route, or invite the bot to the channel when it is private; npx tocsin doctor lists what it sees.',
      });
    },
    trouble() {
      const [first] = problems;
      return first === undefined ? null : `${first.file}:${first.line}:${first.column} ${first.message}`;
    },
    close: off,
  };
}

async function findUnknown({ catalogue, connections, clock, log }: ChannelCheckParts): Promise<Problem[]> {
  const { targets } = catalogue.current();
  const wanted = [...connections].filter(([id]) => targets.some(target => target.platform === id));
  const found = await Promise.all(
    wanted.map(async ([id, { connection }]) => {
      const end = new AbortController();
      const late = clock.sleep(patience, end.signal).then(
        () => null,
        () => null,
      );
      const asked = connection.channels().catch(error => {
        log.warn({ platform: id, because: messageOf(error) }, 'a platform does not tell its channels now');
        return null;
      });
      const names = await Promise.race([asked, late]);
      end.abort();
      return names === null ? [] : unknownChannels(targets, id, names);
    }),
  );
  return found.flat();
}
