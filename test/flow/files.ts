/** Texts of files that several suites of the flow start with. */
export const auto = 'rules:\n  - name: all\n    decide: auto\n';

/** A runbook in TypeScript whose body is given; `before` stands above it in the file. */
export function typescriptRunbook(body: string, before = ''): string {
  return `import { defineRunbook, z } from 'tocsin';
${before}export default defineRunbook({
  title: 'Fix it',
  risk: 'low',
  params: z.object({}),
  on: [],
  async run({ step }) {
    ${body}
  },
});
`;
}

/** For an alert named Hello: says the host; `more` are further steps. */
export function helloRunbook(more = ''): string {
  return `
title: Say hello
risk: low
on:
  - source: alertmanager
    match: { alertname: Hello }
params:
  host: { type: string, pattern: "[a-z0-9.-]+", from: "labels.host" }
target: params.host
steps:
  - id: hello
    exec: [echo, "\${{ params.host }}"]
${more}`;
}

/** For an incident of PagerDuty: does nothing, and harms nothing. */
export const lookRunbook = `
title: Look
risk: none
on: [{ source: pagerduty }]
params: {}
steps: [{ id: look, exec: ["true"] }]
`;
