import type { ActParts } from '../flow/acts/parts.ts';
import { type Beforehand, createBeforehand } from '../flow/thread/beforehand/look.ts';
import { approvalCard } from '../flow/thread/cards/approval.ts';
import type { CardTools } from '../flow/thread/cards/cards.ts';
import { eventOf } from '../flow/thread/draft/place.ts';
import { createOutlines } from '../flow/thread/outlines.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Store } from '../ports/store.ts';
import type { AppOptions } from './options.ts';
import type { Shelves } from './shelves.ts';

type Parts = Omit<Parameters<typeof createBeforehand>[0], 'platforms' | 'showTime' | 'outline'> & {
  options: AppOptions;
  shelves: Shelves;
  store: Store;
  catalogue: Catalogue;
  cards: CardTools;
};

interface Questions {
  outline: ReturnType<typeof createOutlines>;
  beforehand: Beforehand;
  lookAt: ActParts['lookAt'];
}

/** What there is to know before one presses: for cards, and for the press itself, which is judged by what is so at that moment. */
export function createQuestions(parts: Parts): Questions {
  const { options, shelves, cards } = parts;
  const outline = createOutlines(parts);
  const beforehand = createBeforehand({
    ...parts,
    outline,
    showTime: cards.showTime,
    platforms: () => platformsOn(options, shelves),
  });
  return {
    outline,
    beforehand,
    async lookAt(about) {
      const { approval, run, alert } = about;
      const [steps, event] = await Promise.all([outline(run), eventOf(run.event, parts.store)]);
      const card = approvalCard({ approval, run, outline: steps, alert, event }, cards);
      return await beforehand.look(card, { ...about, open: true }, 'press');
    },
  };
}

/** The chat platforms that show cards, with what they can do. */
function platformsOn({ env }: AppOptions, { chat }: Shelves) {
  return [...chat].flatMap(([id, { isOn, capabilities }]) =>
    isOn?.(name => env[name]) === false ? [] : [[id, capabilities] as const],
  );
}
