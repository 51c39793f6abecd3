import type { Route } from '../route.ts';
import { alertRoutes } from './alerts.ts';
import { approvalRoutes } from './approvals.ts';
import { explainRoutes } from './explain.ts';
import { haltRoutes } from './halt.ts';
import { journalRoutes } from './journal.ts';
import { runRoutes } from './runs.ts';

/** Every address under /api/v1. */
export const apiRoutes: readonly Route[] = [
  ...alertRoutes,
  ...runRoutes,
  ...approvalRoutes,
  ...haltRoutes,
  ...journalRoutes,
  ...explainRoutes,
];
