import { wholeNumber } from '../../../kernel/number.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { runForAlertPage, runForAlertQuery } from '../acting/run-for-alert.ts';
import { channelsOf } from '../frame-data.ts';
import { journalQuery } from '../lists/journal.ts';
import { logPage, logPageQuery } from '../log/page.ts';
import { alertPage } from './alert.ts';
import { alertsPage, alertsQuery } from './alerts.ts';
import { approvalsPage, approvalsQuery } from './approvals.ts';
import { changePage } from './change.ts';
import { changesPage, changesQuery } from './changes.ts';
import { channelPage, mostThreads } from './channel.ts';
import { gatePage } from './gate.ts';
import { gatesPage, gatesQuery } from './gates.ts';
import { journalPage } from './journal.ts';
import { findingPage } from './missing.ts';
import type { LivePage } from './page.ts';
import { peoplePage, peopleQuery } from './people.ts';
import { permitPage, permitsPage, permitsQuery } from './permits.ts';
import { runPage } from './run.ts';
import { runbookPage } from './runbook.ts';
import { runbooksPage } from './runbooks.ts';
import { runsPage, runsQuery } from './runs.ts';
import { schedulesPage } from './schedules.ts';
import { sourcePage } from './source.ts';
import { sourcesPage } from './sources.ts';
import { statisticsPage, statisticsQuery } from './statistics.ts';
import { statusPage } from './status.ts';
import { threadPage } from './thread.ts';

/**
 * The page of a path and query, or null. The stream of a page is opened with the same path, so that both look up the same page here.
 */
export async function findPage(host: ChatHost, path: string, query: Record<string, string>): Promise<LivePage | null> {
  const parts = decodeParts(path);
  if (parts === null) return null;
  const [head = '', ...rest] = parts;
  const [id] = rest;
  if (head === 'threads' && rest.length > 0) return threadPage(host, rest.join('/'), placeIn(query['upTo']));
  if (head === 'runs' && id !== undefined && rest[1] === 'log' && rest.length === 2)
    return logPage(host, id, logPageQuery.parse(query));
  if (head === 'alerts' && id !== undefined && rest[1] === 'run' && rest.length === 2)
    return runForAlertPage(host, id, runForAlertQuery.parse(query));
  if (rest.length > 1) return null;
  return id === undefined ? findList(host, head, query) : findOne(host, head, id, query);
}

function findList(host: ChatHost, name: string, query: Record<string, string>): LivePage | null {
  switch (name) {
    case '':
      return channelPage(host, 'alerts', howMany(query['show']), placeIn(query['upTo']));
    case 'runs':
      return runsPage(host, runsQuery.parse(query));
    case 'alerts':
      return alertsPage(host, alertsQuery.parse(query));
    case 'approvals':
      return approvalsPage(host, approvalsQuery.parse(query));
    case 'gate':
      return gatesPage(host, gatesQuery.parse(query));
    case 'changes':
      return changesPage(host, changesQuery.parse(query));
    case 'permits':
      return permitsPage(host, permitsQuery.parse(query));
    case 'journal':
      return journalPage(host, journalQuery.parse(query));
    case 'runbooks':
      return runbooksPage(host);
    case 'sources':
      return sourcesPage(host);
    case 'statistics':
      return statisticsPage(host, statisticsQuery.parse(query));
    case 'schedules':
      return schedulesPage(host);
    case 'people':
      return peoplePage(host, peopleQuery.parse(query));
    case 'find':
      return findingPage(host, (query['q'] ?? '').slice(0, 200));
    case 'status':
      return statusPage(host);
    default:
      return null;
  }
}

async function findOne(
  host: ChatHost,
  list: string,
  id: string,
  query: Record<string, string>,
): Promise<LivePage | null> {
  switch (list) {
    case 'channels':
      return channelsOf(host).includes(id)
        ? channelPage(host, id, howMany(query['show']), placeIn(query['upTo']))
        : null;
    case 'runs':
      return runPage(host, id);
    case 'alerts':
      return alertPage(host, id);
    case 'gate':
      return gatePage(host, id);
    case 'changes':
      return changePage(host, id);
    case 'permits':
      return permitPage(host, id);
    case 'runbooks':
      return runbookPage(host, id);
    case 'sources':
      return sourcePage(host, id);
    default:
      return null;
  }
}

/** A position in the journal; null when none is given. */
function placeIn(text: string | undefined): number | null {
  return wholeNumber(text ?? '') || null;
}

function howMany(text: string | undefined): number {
  const given = wholeNumber(text ?? '');
  return given !== null ? Math.min(Math.max(given, 25), mostThreads) : 50;
}

function decodeParts(path: string): string[] | null {
  try {
    return path.replace(/^\//, '').split('/').map(decodeURIComponent);
  } catch {
    return null;
  }
}
