import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { CatalogueParts } from '../../src/load/index.ts';
import type { Problem } from '../../src/ports/catalogue.ts';
import type { Source } from '../../src/ports/source.ts';
import alertmanager from '../../src/sources/alertmanager/index.ts';
import pagerduty from '../../src/sources/pagerduty/index.ts';
import { shelf } from './shelf.ts';

/** A folder of a user's files, and what loads them. */
export interface Place {
  folder: string;
  parts: CatalogueParts;
  write(files: Record<string, string | Uint8Array>): Promise<void>;
  remove(): Promise<void>;
}

export const config = `people: { you: {}, sam: {} }
groups: { sre: [you, sam] }
operators: [sre]
sources: { alertmanager: {} }
secrets: { API_TOKEN: secret }
`;

export const policy = `rules:
  - { name: ask, decide: approve, by: sre }
`;

export const goodRunbook = `title: Free disk space
risk: low
on:
  - source: alertmanager
    match: { alertname: NodeDiskFull }
    where: labels.env != "production"
params:
  host: { type: string, pattern: "[a-z0-9][a-z0-9.-]{0,63}", from: "hostOf(labels.instance)" }
target: params.host
steps:
  - id: before
    exec: [ssh, "\${{ params.host }}", --, df, -h, /var]
    idempotent: true
  - id: gone
    verify: { resolved: true, within: 10m }
`;

/** Makes the folder with these files besides a good tocsin.yaml and policy.yaml; null leaves one out. */
export async function makePlace(files: Record<string, string | Uint8Array | null> = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-load-'));
  const write = async (given: Record<string, string | Uint8Array | null>) => {
    for (const [path, text] of Object.entries(given)) {
      if (text === null) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  };
  await mkdir(join(folder, 'runbooks'));
  await write({ 'tocsin.yaml': config, 'policy.yaml': policy, ...files });
  const sources = new Map<string, Source>([
    ['alertmanager', alertmanager as Source],
    ['pagerduty', pagerduty as Source],
  ]);
  return {
    folder,
    write,
    remove: () => rm(folder, { recursive: true, force: true }),
    parts: {
      configPath: join(folder, 'tocsin.yaml'),
      explicit: true,
      env: {},
      data: join(folder, 'data'),
      sources,
      steps: shelf,
      clock: systemClock,
      log: silentLog,
      watch: false,
    },
  };
}

/** `runbooks/a.yaml:3:7 message` without the folder, one text a problem. */
export function brief(problems: readonly Problem[], folder: string): string[] {
  return problems.map(
    ({ file, line, column, message }) => `${file.replace(`${folder}/`, '')}:${line}:${column} ${message}`,
  );
}
