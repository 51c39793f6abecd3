import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Run, runState } from '../../../model/run.ts';
import { type SearchTerm, showSearch } from '../../../model/search/parse.ts';
import { runGroups, runWords } from '../../../model/search/words.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { listQuery, readSearch } from '../lists/listing.ts';
import { simpleListPage } from '../lists/simple-list.ts';
import { domId, runPath, showAgo, showElapsed, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

/** `show` as a group, `runbook` and `state` are how addresses narrowed it before there were searches; links to one runbook still do. */
const groups = z.union([z.enum(['all', 'open', 'trouble']), runState]);
const namesGroup = (given: unknown): given is { show: string } =>
  groups.safeParse((given as { show?: unknown } | null)?.show).success;

const query = z.object({
  ...listQuery,
  group: groups.optional().catch(undefined),
  runbook: z.string().max(63).optional().catch(undefined),
  state: runState.optional().catch(undefined),
});
export const runsQuery = z.preprocess(
  given => (namesGroup(given) ? { ...given, group: given.show, show: undefined } : given),
  query,
);

/** The newest runs. */
export function runsPage(host: ChatHost, given: z.infer<typeof runsQuery>): LivePage {
  const { group, runbook, state, ...list } = given;
  const asked: SearchTerm[] = [];
  const add = (key: string, value: string) => asked.push({ kind: 'key', not: false, key, values: [value] });
  if (runbook !== undefined) add('runbook', runbook);
  const wanted = group === 'all' ? undefined : (group ?? state);
  if (wanted !== undefined) add('state', wanted);
  const q = list.q ?? showSearch(asked);
  return simpleListPage<Run>({
    path: '/runs',
    title: 'Runs',
    search: readSearch(q, runWords),
    query: { ...list, q: q === '' ? list.q : q },
    find: (terms, page, now) => host.store.findRuns({ terms, now, ...page }),
    count: (terms, now) => host.store.countRuns({ terms, now }),
    row: (run, viewer) => ({ id: domId('run', run.id), html: renderRow(run, viewer) }),
    states: [
      ['open', 'Open', runGroups.open],
      ['trouble', 'Need attention', runGroups.trouble],
      ['succeeded', 'Succeeded', ['succeeded']],
      ['failed', 'Failed', ['failed']],
    ],
    named: count => (count === 1 ? '1 run' : `${count.toLocaleString('en-GB')} runs`),
    none: 'No runs here.',
  });
}

export function renderRuns(runs: readonly Run[], viewer: Viewer): Html {
  return html`<ul class="rows">${runs.map(run => renderRow(run, viewer))}</ul>`;
}

function renderRow(run: Run, viewer: Viewer): Html {
  const targets =
    run.targets.length > 0 &&
    html`<span class="row-sub">on <code>${cutLine(run.targets.join(', '), 120)}</code></span>`;
  return html`<li class="row run-${run.state}" id="${domId('run', run.id)}"><a class="row-main" href="${runPath(run.id)}"><span class="row-title">${cutLine(run.title, 160)}</span> ${targets}</a>
<span class="badge state-badge">${stateText(run)}</span>
<span class="row-sub">${run.requestedBy.replace(/^(?:person|source):/, '')} · ${showAgo(run.createdAt, viewer)}${
    run.startedAt !== null &&
    html` · ${run.finishedAt === null ? 'for ' : 'took '}${showElapsed(run.startedAt, run.finishedAt, viewer)}`
  }</span>${run.because !== null && html`<span class="row-why">${cutLine(run.because, 240)}</span>`}</li>`;
}

/** `running, step 2 of 5`, `waiting for approval`, `succeeded`. */
export function stateText(run: Run): string {
  if (run.state === 'waiting' && run.startedAt === null) return 'waiting for approval';
  if (run.state !== 'running' || run.steps.length === 0) return run.state;
  return `running, step ${Math.min(doneSteps(run) + 1, run.steps.length)} of ${run.steps.length}`;
}

export function doneSteps(run: Run): number {
  return run.steps.filter(step => step.state === 'done' || step.state === 'skipped' || step.state === 'undone').length;
}
