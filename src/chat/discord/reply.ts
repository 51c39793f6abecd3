import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import type { Api, Call } from './api.ts';
import type { Message } from './render.ts';
import * as shapes from './shapes.ts';

/** Answers to interactions. All of them are seen by the person who acted, and by nobody else. */
export interface Replies {
  /** Within three seconds, before anything that could take longer. */
  defer(to: Asked): Promise<void>;
  /** The answer, after `defer` and within 15 minutes. */
  say(to: Asked, message: Message, file?: NonNullable<Call['files']>[number]): Promise<void>;
  /** Must be the first response, and cannot answer a modal. */
  open(to: Asked, modal: Modal): Promise<void>;
  complete(to: Asked, choices: readonly Choice[]): Promise<void>;
}

export interface Asked {
  id: string;
  token: string;
  application_id: string;
}

export interface Choice {
  name: string;
  value: string;
}

export interface Modal {
  custom_id: string;
  title: string;
  components: (ModalField | ModalText)[];
}

/** Markdown that a modal shows. Source: discord-api-types, APIModalInteractionResponseCallbackComponent. */
export interface ModalText {
  type: 10;
  content: string;
}

export interface ModalField {
  type: 18;
  label: string;
  description?: string;
  component: TextField | SelectField | UserField;
}

interface TextField {
  type: 4;
  custom_id: string;
  /** 1 one line, 2 several. */
  style: 1 | 2;
  required: boolean;
  max_length: number;
  value?: string;
  placeholder?: string;
}

interface SelectField {
  type: 3;
  custom_id: string;
  required: boolean;
  options: { label: string; value: string; default?: boolean }[];
}

/** A menu of the members of the server. Modals take it in a label. Source: Discord developer docs, component reference, Label. */
interface UserField {
  type: 5;
  custom_id: string;
  required: boolean;
  placeholder?: string;
}

const responses = { deferred: 5, choices: 8, modal: 9 } as const;
const onlyForYou = 64;
/** Attempts to send an answer. A retry is safe, because it edits the same message. */
const tries = 4;
const pause = 500;

export function createReplies(api: Api, clock: Clock): Replies {
  async function respond(to: Asked, type: number, data: unknown): Promise<void> {
    const path = `/interactions/${to.id}/${to.token}/callback` as const;
    await api.call(shapes.anything, { method: 'POST', path, body: { type, data }, auth: false });
  }
  return {
    defer: to => respond(to, responses.deferred, { flags: onlyForYou }),
    async say(to, message, file) {
      const path = `/webhooks/${to.application_id}/${to.token}/messages/@original` as const;
      const files = file === undefined ? {} : { files: [file] };
      for (let left = tries; ; left--) {
        try {
          await api.call(shapes.anything, { method: 'PATCH', path, body: message, auth: false, ...files });
          return;
        } catch (error) {
          if (left <= 1 || isCode(error, 'chat-refused')) throw error;
          await clock.sleep(isCode(error, 'chat-limited') ? (error.retryAfter ?? pause) : pause * 2 ** (tries - left));
        }
      }
    },
    open: (to, modal) => respond(to, responses.modal, modal),
    complete: (to, choices) => respond(to, responses.choices, { choices }),
  };
}
