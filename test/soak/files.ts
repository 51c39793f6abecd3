/** The configuration of a soak: programs that write down each run, in every way in which they may end. */
export function soakFiles(ledger: string): Record<string, string> {
  const write = `printf '%s %s\\n' "$1" "$2" >> ${ledger}`;
  const step = (id: string, code: string, more = '') =>
    `  - id: ${id}\n    exec: [sh, -c, ${JSON.stringify(code)}, sh, ${id}, "\${{ run.id }}"]\n${more}`;
  const book = (title: string, name: string, steps: string) =>
    `title: ${title}\nrisk: low\non:\n  - source: alertmanager\n    match: { alertname: ${name} }\nsteps:\n${steps}`;
  return {
    'tocsin.yaml': `sources:
  alertmanager: { token: "\${SOAK_TOKEN}" }
people: { alice: {}, bob: {} }
operators: [alice, bob]
tokens:
  - { env: ALICE_TOKEN, person: alice }
run: { grace: 2s }
`,
    'policy.yaml': `rules:
  - name: some are asked for
    when: runbook.id == "asked"
    decide: approve
    by: [alice, bob]
  - name: the rest by itself
    decide: auto
`,
    'runbooks/quick.yaml': book('Quick', 'Quick', step('quick', write, '    idempotent: true\n')),
    'runbooks/once.yaml': book(
      'Once',
      'Once',
      step('first', `sleep 0.$(( $$ % 9 )); ${write}`) + step('second', `${write}; sleep 0.$(( $$ % 9 ))`),
    ),
    'runbooks/wild.yaml': book(
      'Wild',
      'Wild',
      step(
        'wild',
        `setsid sleep 300 & env -i sh -c 'setsid sleep 300 & wait' & i=0; while [ $i -lt 2000 ]; do echo "line $i of many"; i=$((i+1)); done; sleep 300`,
        '    timeout: 2s\n    idempotent: true\n',
      ),
    ),
    'runbooks/fails.yaml': book('Fails', 'Fails', step('fails', `${write}; exit 3`, '    idempotent: true\n')),
    'runbooks/asked.yaml': book('Asked', 'Asked', step('asked', write)),
    'runbooks/waits.yaml': book('Waits', 'Waits', `  - id: pause\n    wait: 3s\n${step('after', write)}`),
  };
}

/** The names of the alerts, which are those of their runbooks too. */
export const kinds = ['Quick', 'Quick', 'Quick', 'Once', 'Once', 'Asked', 'Waits', 'Fails', 'Wild'] as const;
