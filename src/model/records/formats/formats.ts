/** The formats of raw records. */

import type { RecordFormat } from '../types.ts';
import { cloudfront } from './cloudfront.ts';
import { json } from './json.ts';
import { cloudtrail, cloudwatch, kubernetesAudit, waf } from './json-logs.ts';
import { albAccess, elbAccess, nlbAccess } from './load-balancers.ts';
import { logfmt } from './logfmt.ts';
import { pattern } from './pattern.ts';
import { s3Access } from './s3-access.ts';
import { vpcFlow } from './vpc-flow.ts';

const all: readonly RecordFormat[] = [
  ...[json, logfmt, pattern, cloudtrail, vpcFlow, s3Access, albAccess, nlbAccess, elbAccess],
  ...[cloudfront, waf, kubernetesAudit, cloudwatch],
];

/** By id. */
export const formats: Readonly<Record<string, RecordFormat>> = Object.fromEntries(all.map(one => [one.id, one]));
