import { messageOf } from '../../kernel/errors.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Api } from './api.ts';
import { slashCommand } from './commands.ts';
import { remedies } from './remedies.ts';
import type { Session } from './session.ts';
import * as shapes from './shapes.ts';

/** Registers `/tocsin` in the server. The commands are the same for as long as the process lives: once is enough, again after a failure. */
export interface Registration {
  /** Never rejects. */
  register(): Promise<void>;
  trouble(): string | null;
}

export function createRegistration(api: Api, session: Session, host: ChatHost): Registration {
  let trouble: string | null = null;
  let done = false;
  return {
    trouble: () => trouble,
    async register() {
      if (done) return;
      try {
        const { application, guild } = await session.ready();
        trouble = remedies.commands(application);
        const path = `/applications/${application}/guilds/${guild}/commands` as const;
        await api.call(shapes.anything, { method: 'PUT', path, body: [slashCommand(host.commands())] });
        trouble = null;
        done = true;
      } catch (error) {
        host.log.warn({ reason: messageOf(error) }, 'the slash commands could not be registered');
      }
    },
  };
}
