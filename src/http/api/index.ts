import type { Route } from '../route.ts';
import { alertRoutes } from './alerts.ts';
import { approvalRoutes } from './approvals.ts';
import { breakGlassRoutes } from './break-glass.ts';
import { changeRoutes } from './changes.ts';
import { claimRoutes } from './claims.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { explainRoutes } from './explain.ts';
import { gateRoutes } from './gates.ts';
import { haltRoutes } from './halt.ts';
import { journalRoutes } from './journal.ts';
import { knownBadRoutes } from './known-bad.ts';
import { permitRoutes } from './permits.ts';
import { runRoutes } from './runs.ts';
import { sourceRoutes } from './sources.ts';
import { statisticsRoutes } from './statistics.ts';

/** Every address under /api/v1, and the gates. */
export const apiRoutes: readonly Route[] = [
  ...alertRoutes,
  ...runRoutes,
  ...approvalRoutes,
  ...gateRoutes,
  ...breakGlassRoutes,
  ...knownBadRoutes,
  ...claimRoutes,
  ...changeRoutes,
  ...permitRoutes,
  ...haltRoutes,
  ...deadLetterRoutes,
  ...journalRoutes,
  ...explainRoutes,
  ...sourceRoutes,
  ...statisticsRoutes,
];
