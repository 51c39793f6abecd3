import { showDuration } from '../kernel/duration.ts';
import { nearest } from '../kernel/nearest.ts';
import { type Config, expectationsOf } from '../model/config.ts';
import { type ConfiguredSource, changesSource, expectSource } from '../ports/catalogue.ts';
import type { Runbook } from '../ports/runbook.ts';
import type { Draft } from './draft.ts';
import { checkName, knownVoters } from './policy.ts';
import type { Faults } from './problems.ts';

/** Checks the runbooks against each other and against tocsin.yaml, and adds problems to their faults. */
export function checkTogether(
  drafts: ReadonlyMap<string, Draft>,
  known: { names: ReadonlySet<string>; config: Config | null; sources: ReadonlyMap<string, ConfiguredSource> },
) {
  for (const draft of drafts.values()) {
    for (const call of draft.calls) checkCall(draft, call, drafts, known.names);
    checkCircle(draft, drafts);
    if (known.config === null) continue;
    checkAgainstConfig(draft, known.config);
    checkSources(draft, known.config, known.sources);
  }
}

function checkCall(
  draft: Draft,
  call: Draft['calls'][number],
  drafts: ReadonlyMap<string, Draft>,
  names: ReadonlySet<string>,
) {
  const called = drafts.get(call.name);
  if (!names.has(call.name))
    return draft.faults.add(call.path, `there is no runbook "${call.name}"`, {
      given: call.name,
      allowed: [...names].join(', '),
      nearest: nearest(call.name, names),
    });
  if (called === undefined || call.params === null) return;
  const params = called.rules.map(rule => rule.name);
  for (const name of call.params)
    if (!params.includes(name))
      draft.faults.add([...call.path, 'params', name], `${call.name} has no parameter "${name}"`, {
        key: true,
        given: name,
        allowed: params.join(', '),
        nearest: nearest(name, params),
      });
  for (const rule of called.rules)
    if (rule.required && !call.params.includes(rule.name))
      draft.faults.add(call.path, `${call.name} needs the parameter "${rule.name}"`, {
        allowed: `params: { ${rule.name}: ... }`,
      });
}

/** A runbook that calls itself, directly or through others, would never end. */
function checkCircle(draft: Draft, drafts: ReadonlyMap<string, Draft>) {
  const way = findWay(draft.runbook.id, draft.runbook.id, drafts, new Set());
  const call = draft.calls.find(one => one.name === way?.[1]);
  if (way !== null && call !== undefined)
    draft.faults.add(call.path, `runbooks call each other in a circle: ${way.join(' -> ')}`);
}

function findWay(from: string, to: string, drafts: ReadonlyMap<string, Draft>, seen: Set<string>): string[] | null {
  for (const { name } of drafts.get(from)?.calls ?? []) {
    if (name === to) return [from, to];
    if (seen.has(name)) continue;
    seen.add(name);
    const rest = findWay(name, to, drafts, seen);
    if (rest !== null) return [from, ...rest];
  }
  return null;
}

function checkAgainstConfig(draft: Draft, config: Config) {
  const voters = knownVoters(config);
  for (const { name, path } of draft.names) checkName(name, path, draft.faults, voters);
  const secrets = Object.keys(config.secrets);
  draft.runbook.secrets.forEach((name, index) => {
    if (!secrets.includes(name))
      draft.faults.add(['secrets', index], `there is no secret "${name}" in tocsin.yaml`, {
        given: name,
        allowed: secrets.join(', ') || 'entries under secrets:',
        nearest: nearest(name, secrets),
      });
  });
}

/** The sources of triggers in a runbook that has other mistakes, or beside a tocsin.yaml that has some. */
export function checkWrittenSources(faults: Faults, configured: readonly string[]) {
  const { on } = (faults.yaml.data ?? {}) as { on?: unknown };
  const known = [...configured, expectSource, changesSource];
  for (const [index, trigger] of (Array.isArray(on) ? on : []).entries()) {
    const source = (trigger as { source?: unknown } | null)?.source;
    if (typeof source === 'string' && !known.includes(source)) addUnknownSource(faults, index, source, known);
  }
}

function addUnknownSource(faults: Faults, index: number, source: string, known: readonly string[]) {
  faults.add(
    ['on', index, 'source'],
    `there is no source "${source}" in tocsin.yaml, so that this trigger never fires`,
    { level: 'warning', given: source, allowed: known.join(', '), nearest: nearest(source, known) },
  );
}

/** A trigger on a source that is not configured is a warning: the runbook may be there before its source. */
function checkSources(draft: Draft, config: Config, sources: ReadonlyMap<string, ConfiguredSource>) {
  const known = [
    ...Object.keys(config.sources),
    ...(expectationsOf(config).length > 0 ? [expectSource] : []),
    changesSource,
  ];
  draft.runbook.triggers.forEach((trigger, index) => {
    if (!known.includes(trigger.source)) addUnknownSource(draft.faults, index, trigger.source, known);
    const configured = sources.get(trigger.source);
    const delay = configured?.driver.delay?.(configured.options) ?? 0;
    for (const wait of draft.waits)
      if (configured?.driver.tellsNoEnd === true)
        draft.faults.add(
          wait.path,
          `${trigger.source} tells no end of an alert, so that this wait always ends unconfirmed`,
          { level: 'warning', allowed: 'a verify that looks by itself, with a condition' },
        );
      else if (wait.within < delay)
        draft.faults.add(
          wait.path,
          `${trigger.source} tells of a change up to ${showDuration(delay)} later, so that ${showDuration(wait.within)} may be too short`,
          { level: 'warning', allowed: `at least ${showDuration(delay)}` },
        );
  });
}

/** The runbook with its files and those of all runbooks it calls, which a plan covers. */
export function completeRunbook(draft: Draft, drafts: ReadonlyMap<string, Draft>): Runbook {
  const files = new Map<string, Uint8Array>();
  gather(draft, drafts, files, new Set());
  return { ...draft.runbook, files };
}

function gather(draft: Draft, drafts: ReadonlyMap<string, Draft>, files: Map<string, Uint8Array>, seen: Set<string>) {
  if (seen.has(draft.runbook.id)) return;
  seen.add(draft.runbook.id);
  for (const [path, bytes] of draft.own) files.set(path, bytes);
  for (const { name } of draft.calls) {
    const called = drafts.get(name);
    if (called !== undefined) gather(called, drafts, files, seen);
  }
}
