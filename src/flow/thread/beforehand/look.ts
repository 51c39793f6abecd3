import type { Block, Button, Card } from '../../../model/card.ts';
import type { ChatCapabilities } from '../../../ports/chat.ts';
import { planText } from '../cards/plan-text.ts';
import { type Facts, findBeforehand } from './beforehand.ts';
import { findCuts, findLeftTargets } from './cut.ts';
import type { Finding } from './finding.ts';
import { type About, createGathering, type For, type GatherParts } from './gather.ts';
import { type KnownNames, markScripts } from './scripts.ts';
import { createMask, maskCard } from './secrets.ts';

export type { About };

/** A card with what there is to know before one presses. */
export interface Looked {
  card: Card;
  findings: readonly Finding[];
  /** Everything that runs, as far as it is known, marked and masked like the card. */
  commands: string;
  /** Masks the secrets among the parameters in a text. */
  mask(text: string): string;
}

export interface Beforehand {
  /** Completes the card of an approval: warnings above its buttons, marks in its commands, secrets masked. A closed one is only masked. */
  look(card: Card, about: About & { open: boolean }, how: For): Promise<Looked>;
}

export function createBeforehand(
  parts: GatherParts & { platforms(): Iterable<readonly [string, ChatCapabilities]> },
): Beforehand {
  const gather = createGathering(parts);
  return {
    async look(card, about, how) {
      const mask = createMask(about.run.params);
      if (!about.open) return { card: maskCard(card, about.run.params), findings: [], commands: '', mask };
      const facts = await gather(about, how);
      const found = findBeforehand(facts);
      const complete = (findings: readonly Finding[]) =>
        withFindings(maskCard(marked(card, facts.known), about.run.params), findings, about.approval.risk === 'high');
      const drafted = complete(found);
      const cuts = findCuts(
        [...parts.platforms()].flatMap(([id, { hides }]) =>
          (hides?.(drafted) ?? []).map(one => ({ ...one, platform: nameOf(id) })),
        ),
      );
      const findings = [...findLeftTargets(facts.run.targets, shownTargets(drafted, facts)), ...cuts, ...found];
      return { card: complete(findings), findings, commands: mask(commandsOf(facts)), mask };
    },
  };
}

function nameOf(platform: string): string {
  return platform === 'console' ? 'The console' : `${platform[0]?.toUpperCase() ?? ''}${platform.slice(1)}`;
}

/** The words behind deceiving names also stand in the commands. */
function marked(card: Card, known: KnownNames): Card {
  const mark = (block: Block): Block =>
    block.kind === 'code' ? { ...block, text: markScripts(block.text, known) } : block;
  return { ...card, blocks: card.blocks.map(mark) };
}

function withFindings(card: Card, findings: readonly Finding[], risky: boolean): Card {
  const items = findings.map(({ text }) => text);
  const asks = items.length > 0 || risky;
  const confirmed = (button: Button): Button =>
    asks && button.does.kind === 'act' && button.does.act.kind === 'vote' && button.does.act.vote === 'approve'
      ? { ...button, confirm: true }
      : button;
  const warnings: Block[] = items.length === 0 ? [] : [{ kind: 'warnings', items }];
  return { ...card, blocks: [...card.blocks, ...warnings], buttons: card.buttons.map(confirmed) };
}

/** How many of the targets a reader of the card finds on it. */
function shownTargets({ title, blocks }: Card, { run }: Facts): number {
  if (run.targets.length < 2) return run.targets.length;
  const text = `${title}\n${JSON.stringify(blocks)}`;
  return run.targets.filter(target => text.includes(JSON.stringify(target).slice(1, -1))).length;
}

function commandsOf({ outline, known }: Facts): string {
  return markScripts(planText(outline), known);
}
