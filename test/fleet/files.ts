/** The files of the fleet suites. Every step that has an effect writes it into the ledger, outside of the database. */
export const files = (ledger: string): Record<string, string> => ({
  'policy.yaml': `rules:
  - { name: what reads is free, when: 'runbook.risk == "none"', decide: auto }
  - { name: otherwise ask, decide: approve, by: sre }
`,
  'runbooks/say.yaml': `title: Say it
risk: none
params: { word: { type: string, pattern: "[a-z0-9-]+", default: nothing, from: labels.word } }
on: [{ source: alertmanager, match: { alertname: Test } }]
steps:
  - { id: say, script: 'echo "say $PARAM_WORD" >> ${ledger}; echo "said $PARAM_WORD"' }
`,
  'runbooks/ask.yaml': `title: Ask first
risk: high
steps:
  - { id: act, script: 'echo acted >> ${ledger}' }
`,
  ...slow(ledger, 'once', false),
  ...slow(ledger, 'again', true),
});

/** One step that says when it begins and ends, and is at work until the file named after it is there. */
function slow(ledger: string, id: string, idempotent: boolean): Record<string, string> {
  return {
    [`runbooks/${id}.yaml`]: `title: Slow
risk: none
steps:
  - id: slow
    idempotent: ${idempotent}
    timeout: 5m
    script: |
      echo "${id} begins $$" >> ${ledger}
      echo at work
      until [ -e ${ledger}.${id} ]; do sleep 0.1; done
      echo "${id} ends $$" >> ${ledger}
  - { id: after, script: 'echo "${id} after" >> ${ledger}' }
`,
  };
}
