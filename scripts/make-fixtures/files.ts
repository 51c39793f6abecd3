/** The files of the installation whose history is kept. Its runbooks end, wait and ask in every way that takes little time. */
export const files: Readonly<Record<string, string>> = {
  'tocsin.yaml': `sources:
  alertmanager: { token: alert-secret }
  pagerduty:
    secret: a webhook secret
    apiToken: a-rest-api-key
    from: tocsin@example.com
    routingKey: R0UT1NGKEYR0UT1NGKEYR0UT1NGKEY00
    apiUrl: "\${PAGERDUTY_URL}"
    eventsUrl: "\${PAGERDUTY_URL}"
  backups:
    type: webhook
    auth: { bearer: backup-secret }
    deliveryId: body.id
    map:
      fingerprint: body.check
      state: body.state
      title: body.check + " is " + body.state
      severity: '"error"'
      labels: { check: body.check }
  schedule: { jobs: { nightly: { cron: "\${NIGHTLY}", title: The nightly look } } }
routes:
  - { when: event.source == "backups", to: ["console:backups", "console:alerts"] }
people:
  alice: {}
  bob: {}
  mina: { accounts: { pagerduty: PMINA } }
  rita: {}
groups:
  sre: [alice, bob]
  leads: [rita]
  on-call: { onCall: pagerduty, escalationPolicy: PEP1, members: [mina] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: rita }
  - { env: CI, service: ci }
run: { grace: 500ms }
`,
  'policy.yaml': `rules:
  - { name: change freeze, when: labels.freeze == "yes", decide: deny }
  - { name: only informs, when: labels.severity == "info", decide: notify }
  - { name: what reads is free, when: runbook.risk == "none", decide: auto, limit: { perHour: 100, perTarget: 50 per 30m } }
  - { name: heals itself, when: runbook.risk == "low", decide: auto, resolve: origin }
  - name: soon over
    when: runbook.id == "expires"
    decide: approve
    by: sre
    expires: 1s
    then: { escalate: leads }
  - { name: who is on call decides, when: runbook.id == "failover", decide: approve, by: on-call }
  - { name: two decide, when: runbook.risk == "high", decide: approve, by: sre, quorum: 2, expires: 7d, reason: required }
`,
  'runbooks/look.yaml': `title: Look at the disk
risk: none
on:
  - { source: alertmanager, match: { alertname: Disk } }
params:
  host: { type: string, pattern: "[a-z0-9-]+", default: web-0, from: labels.instance }
target: params.host
steps:
  - { id: disk, exec: [echo, "The disk of \${{ params.host }} is full."] }
  - { id: long, script: 'for n in $(seq 400); do echo "$n: $PARAM_HOST keeps this file"; done; echo "warned" >&2' }
  - { id: say, notify: { text: "Look at \${{ params.host }}, please.", mention: sre, tone: warning } }
`,
  'runbooks/heal.yaml': `title: Heal what may be stale
risk: low
on:
  - { source: alertmanager, match: { alertname: Stale } }
params:
  within: { type: enum, options: [400ms, 3s, 30d], default: 3s, from: labels.within }
steps:
  - { id: fix, exec: [echo, fixed] }
  - { id: soon, if: params.within == "400ms", verify: { resolved: true, within: 400ms } }
  - { id: gone, if: params.within == "3s", verify: { resolved: true, within: 3s } }
  - { id: late, if: params.within == "30d", verify: { resolved: true, within: 30d } }
`,
  'runbooks/repair.yaml': `title: Repair and fail
risk: low
on:
  - { source: alertmanager, match: { alertname: Broken } }
steps:
  - { id: mark, exec: [echo, marked], undo: { exec: [echo, unmarked] } }
  - { id: mend, script: 'echo "no luck" >&2; exit 3', idempotent: true, retry: { times: 1, wait: 100ms } }
`,
  'runbooks/restart.yaml': `title: Restart the service
risk: low
on: [{ source: pagerduty }, { source: backups }]
steps:
  - { id: fix, exec: [echo, restarted] }
  - { id: gone, verify: { exec: ["true"], within: 1m } }
`,
  'runbooks/failover.yaml': `title: Fail over
risk: medium
steps:
  - { id: switch, exec: [echo, switched] }
`,
  'runbooks/once.yaml': `title: Do it once
risk: low
steps:
  - { id: slow, exec: [sleep, "600"], timeout: never }
  - { id: after, exec: [echo, after] }
`,
  'runbooks/nightly.yaml': `title: Look every night
risk: none
on: [{ source: schedule, match: { schedule: nightly } }]
steps:
  - { id: pause, wait: 100ms }
  - id: both
    parallel:
      - { id: left, exec: [echo, left] }
      - { id: right, exec: [echo, right] }
  - { id: call, runbook: { name: look, params: { host: db-1 } } }
`,
  'runbooks/change.yaml': `title: Change a word
risk: high
params:
  word: { type: string, pattern: "[a-z]+" }
steps:
  - { id: say, exec: [echo, "changed to \${{ params.word }}"] }
`,
  'runbooks/edited.yaml': `title: Be edited
risk: high
steps:
  - { id: say, exec: [echo, edited] }
`,
  'runbooks/expires.yaml': `title: Be forgotten
risk: medium
steps:
  - { id: say, exec: [echo, remembered] }
`,
  'runbooks/guarded.ts': `import { defineRunbook, z } from 'tocsin';

export default defineRunbook({
  title: 'Ask in the middle',
  risk: 'low',
  params: z.object({ word: z.string() }),
  on: [],
  async run({ step, params }) {
    await step.exec('before', ['echo', 'before']);
    await step.approve('anyway', { ask: 'Go on?', by: 'sre', expires: '30d' });
    await step.exec('after', ['echo', \`\${params.word} as stored\`]);
  },
});
`,
};
