import { messageOf } from '../../kernel/errors.ts';
import { groupFacts } from '../../model/config.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { type Groups, keptHere } from './groups.ts';
import { line, literal, type Piece } from './text.ts';

/** Turns people and groups of the config into mentions. Nothing else is ever turned into a mention. */
export interface Mentions {
  of(names: readonly string[]): Promise<Piece[]>;
}

/** People of one group that are called by name; a larger group is named as text, so that an alert never calls a whole company. */
const mostPeople = 10;

const userShape = /^[UW][A-Z0-9]{2,}$/;

export function createMentions(groups: Groups, host: ChatHost): Mentions {
  function personPiece(name: string): Piece | null {
    const user = host.config().people[name]?.accounts['slack']?.split('/').at(-1) ?? '';
    return userShape.test(user) ? { type: 'user', user_id: user } : null;
  }

  async function groupPieces(name: string): Promise<Piece[]> {
    const kept = keptHere(name, host.config());
    if (kept !== null) {
      const id = await groups.idOf(kept);
      return id === null ? [] : [{ type: 'usergroup', usergroup_id: id }];
    }
    const members = groupFacts(host.config(), name)?.members ?? [];
    const people = members.map(personPiece).filter(piece => piece !== null);
    return people.length > 0 && members.length <= mostPeople ? people : [];
  }

  return {
    async of(names) {
      const pieces: Piece[] = [];
      const called = new Set<string>();
      for (const name of names.slice(0, 20)) {
        const person = host.config().groups[name] === undefined ? personPiece(name) : null;
        const found = person === null ? await groupPieces(name).catch(tell) : [person];
        // Who is in two groups is called once.
        const fresh = found.filter(piece => !called.has(JSON.stringify(piece)));
        for (const piece of fresh) called.add(JSON.stringify(piece));
        const shown = found.length === 0 ? [line(`@${name}`, 80, { bold: true })] : fresh;
        for (const piece of shown) pieces.push(...(pieces.length === 0 ? [piece] : [literal(' '), piece]));
      }
      return pieces;
    },
  };

  /** A group that cannot be looked up now is named as text: the message matters more than the call. */
  function tell(error: unknown): Piece[] {
    host.log.debug({ reason: messageOf(error) }, 'a group could not be looked up for a mention');
    return [];
  }
}
