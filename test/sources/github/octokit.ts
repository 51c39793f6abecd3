import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The payloads that people contributed to @octokit/webhooks-examples (MIT), of github.com and of releases of GitHub Enterprise Server. */
export interface Example {
  name: string;
  examples: object[];
}

const require = createRequire(import.meta.url);
const files = [
  require.resolve('@octokit/webhooks-examples/api.github.com/index.json'),
  require.resolve('@octokit/webhooks-examples/ghes-31/index.json'),
  require.resolve('@octokit/webhooks-examples/ghes-32/index.json'),
  require.resolve('@octokit/webhooks-examples/ghes-33/index.json'),
  require.resolve('@octokit/webhooks-examples/ghes-34/index.json'),
  require.resolve('@octokit/webhooks-examples/ghes-35/index.json'),
];

/** By release. */
export const all = files.map(file => {
  const read: Example[] = JSON.parse(readFileSync(file, 'utf8'));
  return [file.split('/').at(-2) ?? '', read] as const;
});

/** The first payload of an event, by release. */
export const releases = all.map(
  ([release, events]) =>
    [
      release,
      (name: string): Record<string, unknown> => ({ ...events.find(one => one.name === name)?.examples[0] }),
    ] as const,
);
