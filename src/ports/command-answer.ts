import type { Json } from '../kernel/canonical.ts';
import { type ErrorCode, TocsinError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { exactNumber } from '../kernel/number.ts';
import type { ActAnswer } from '../model/act.ts';
import type { Approval } from '../model/approval.ts';
import type { Block, Card } from '../model/card.ts';
import type { ChatHost, CommandAnswer, CommandContext, ParamView, RunbookView } from './chat.ts';

/** A private answer as a card. Fields that are left out are empty. */
export function answer(facts: { title: string } & Partial<Card>): CommandAnswer {
  const empty = { tone: 'neutral' as const, badge: null, blocks: [], buttons: [], mention: [] };
  return { ok: true, card: { ...empty, ...facts } };
}

/** A block of labels and values, one pair per line. */
export function fieldsOf(pairs: readonly (readonly [label: string, value: string])[], code = false): Block {
  return { kind: 'fields', fields: pairs.map(([label, value]) => ({ label, value, code })) };
}

export function refuse(code: ErrorCode, text: string): CommandAnswer {
  return { ok: false, code, text };
}

/** The result of `host.act` as the answer of a command. */
export function answerAct(result: ActAnswer): CommandAnswer {
  if (!result.ok) return { ok: false, code: result.code, text: result.text };
  const of: [string, string][] = result.run !== undefined ? [['Run', result.run]] : [];
  if (result.gate !== undefined) of.push(['Gate', result.gate]);
  const blocks = of.length === 0 ? [] : [fieldsOf(of, true)];
  return answer({ tone: 'good', title: result.text, blocks });
}

const shortest = 4;

/**
 * Finds the item by its whole id or by a unique prefix or suffix of at least four characters. Ids begin with their time, so a suffix is
 * unique sooner. Throws `not-found`, or `bad-request` when several match, with the allowed ids.
 */
export function pickByPrefix<T>(word: string, all: readonly T[], idOf: (item: T) => string, what: string): T {
  const exact = all.find(item => idOf(item) === word);
  if (exact !== undefined) return exact;
  const near = (id: string) =>
    id.startsWith(word) || id.slice(id.indexOf('_') + 1).startsWith(word) || id.endsWith(word);
  const found = word.length < shortest ? [] : all.filter(item => near(idOf(item)));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) {
    throw new TocsinError('bad-request', {
      message: `Several are called "${word}…": give more of the id of the ${what}.`,
      allowed: found.slice(0, 10).map(idOf),
      given: word,
    });
  }
  throw new TocsinError('not-found', {
    message: all.length === 0 ? `There is no ${what} now.` : `There is no ${what} "${word}".`,
    ...(all.length === 0 ? {} : { allowed: all.slice(0, 10).map(idOf) }),
    given: word,
    remedy: `Give its id, or at least ${shortest} characters of its beginning or its end that no other has.`,
  });
}

/** Finds the runbook by name. Throws `runbook-unknown` with the nearest name. */
export function pickRunbook(name: string, runbooks: readonly RunbookView[]): RunbookView {
  const found = runbooks.find(runbook => runbook.id === name);
  if (found !== undefined) return found;
  const ids = runbooks.map(runbook => runbook.id);
  const near = nearest(name, ids);
  throw new TocsinError('runbook-unknown', {
    message: `There is no runbook "${name}".${near === null ? '' : ` Did you mean "${near}"?`}`,
    allowed: ids,
    given: name,
  });
}

/** Parses the `name=value` words of a command. Throws `params-invalid` for unknown and for missing parameters. */
export function paramsFrom(named: ReadonlyMap<string, string>, runbook: RunbookView): Record<string, Json> {
  const known = new Map(runbook.params.map(param => [param.name, param]));
  const params: Record<string, Json> = {};
  for (const [name, text] of named) {
    const param = known.get(name);
    if (param === undefined) throw unknownParam(name, runbook);
    params[name] = typedValue(param, text);
  }
  const missing = runbook.params.filter(param => param.required && param.default === null && !named.has(param.name));
  if (missing.length > 0) {
    throw new TocsinError('params-invalid', {
      message: `${runbook.id} needs ${missing.map(param => param.name).join(', ')}.`,
      allowed: runbook.params.map(describeParam),
      remedy: `For example: run ${runbook.id} ${missing.map(param => `${param.name}=${param.options[0] ?? '…'}`).join(' ')}`,
    });
  }
  return params;
}

function unknownParam(name: string, runbook: RunbookView): TocsinError {
  const names = runbook.params.map(param => param.name);
  const near = nearest(name, names);
  return new TocsinError('params-invalid', {
    message: `${runbook.id} has no parameter "${name}".${near === null ? '' : ` Did you mean "${near}"?`}`,
    allowed: names.length === 0 ? 'no parameters' : runbook.params.map(describeParam),
    given: name,
  });
}

/** `host (string, required)`, for usage texts. */
export function describeParam(param: ParamView): string {
  const kind = param.type === 'enum' ? param.options.join(' | ') : param.type;
  const need = param.default === null ? (param.required ? 'required' : 'optional') : `default ${param.default}`;
  return `${param.name} (${kind}, ${need})`;
}

/** Converts the text to the declared type where it clearly fits; otherwise returns the text, and the runbook refuses it. */
export function typedValue(param: ParamView, text: string): Json {
  if (param.type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return param.type === 'number' ? (exactNumber(text) ?? text) : text;
}

/**
 * Finds the open approval: by the first word, or without words the only one of the thread. One that is closed is found by its whole id.
 * A gate's may be called by the id of the gate. Resolves to it and the words after it. Outside of a thread the approval must be named. Rejects with `bad-request` or `not-found`.
 */
export async function chooseApproval(
  words: readonly string[],
  context: CommandContext,
  host: ChatHost,
): Promise<{ approval: Approval; rest: readonly string[] }> {
  const [word, ...rest] = words;
  // Whoever votes on a closed one is told how it was decided.
  const named = word === undefined ? null : await approvalCalled(word, host);
  if (named !== null) return { approval: named, rest };
  const open = await host.store.approvals({ state: 'open', limit: 500 });
  if (word?.startsWith('gat_') === true) {
    const ofGates = open.filter(one => one.gate !== null);
    return { approval: pickByPrefix(word, ofGates, one => one.gate ?? '', 'gate that waits'), rest };
  }
  if (word !== undefined) return { approval: pickByPrefix(word, open, one => one.id, 'open approval'), rest };
  const here = open.filter(one => isIn(one, context));
  const [only] = here;
  if (only !== undefined && here.length === 1) return { approval: only, rest };
  throw new TocsinError('bad-request', {
    message: 'Say which approval.',
    allowed:
      open.length === 0 ? 'nothing waits for approval now' : open.slice(0, 10).map(one => `${one.id} (${one.title})`),
  });
}

/** By its whole id, or the whole id of its gate; null when nothing has it. */
async function approvalCalled(word: string, host: ChatHost): Promise<Approval | null> {
  const found = await host.store.approval(word);
  if (found !== null) return found;
  const gate = await host.store.document('gate', word);
  if (gate === null) return null;
  const asked = gate.approval === null ? null : await host.store.approval(gate.approval);
  if (asked !== null) return asked;
  throw new TocsinError('bad-request', {
    message: `Nobody was asked about ${gate.id}: it is ${gate.state}, because ${gate.because}.`,
    allowed: 'a gate that waits for people',
    given: gate.id,
  });
}

/** True when the thread is about what asks. A place without a subject is about nothing. */
function isIn({ run, alert, gate }: Approval, context: CommandContext): boolean {
  return (
    (run !== null && run === context.run) ||
    (alert !== null && alert === context.alert) ||
    (gate !== null && gate === context.gate)
  );
}
