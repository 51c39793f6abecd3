import { hostname } from 'node:os';
import type { StoppedChild } from '../../kernel/child/child.ts';
import type { Remaining } from '../../kernel/child/kill.ts';
import { type Far, mayGoOn } from '../../kernel/far/far.ts';
import { redactText, type Secrets } from '../../kernel/redact/redact.ts';
import { visibleLine } from '../../kernel/text.ts';
import type { Fact } from '../../model/journal.ts';

/** What an attempt that was stopped left behind, in words without secrets; null for nothing. */
export interface Leftovers {
  /** `may go on at web-1 (ssh)`: the program here was ended, its work there perhaps not. */
  far: string | null;
  /** `pid 12 (sleep) on node-1: it belongs to another user`: what could not be ended here. */
  left: string | null;
}

export const nothingLeft: Leftovers = { far: null, left: null };

/** Gathers what the children of one attempt leave behind. */
export function createLeftovers(hidden: Secrets) {
  const far: Far[] = [];
  const left: Remaining[] = [];
  return {
    add(stopped: StoppedChild) {
      far.push(...stopped.far);
      left.push(...stopped.left);
    },
    all: (): Leftovers => ({ far: showFar(far, hidden), left: showLeft(left, hidden) }),
  };
}

export function showFar(far: readonly Far[], hidden: Secrets): string | null {
  const text = mayGoOn(far);
  return text === null ? null : redactText(text, hidden);
}

/** Names the machine: a pid says nothing without it. */
export function showLeft(left: readonly Remaining[], hidden: Secrets): string | null {
  if (left.length === 0) return null;
  const texts = left.map(({ pid, name, because }) => `pid ${pid} (${visibleLine(name)}): ${because}`);
  return redactText(`on ${hostname()} ${texts.join('; ')}`, hidden);
}

/** Why the step ended, with where it may go on. */
export function withFar(because: string, far: string | null): string {
  return far === null ? because : `${because}; stopped here; ${far}`;
}

/** The note for people that something could not be ended. */
export function leftFact(run: string, step: string, left: string): Fact {
  return said(run, step, `"${step}" was stopped, but not all that it started could be ended: ${left}. It runs on.`);
}

/** The note for people before a step runs again beside what the last attempt may have left. */
export function besideFact(run: string, step: string, far: string): Fact {
  return said(run, step, `"${step}" runs again. Its last attempt was stopped here; ${far}.`);
}

function said(run: string, step: string, text: string): Fact {
  return { kind: 'step.said', run, step, text, mention: [], tone: 'warning' };
}
