import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApi } from '../../src/http/openapi.ts';

/** docs/openapi.json: what /openapi.json answers. */
export default function generateOpenApi(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  return { 'docs/openapi.json': `${JSON.stringify(openApi(version), null, 2)}\n` };
}
