const config = `# The configuration of Tocsin. \`tocsin check\` finds every mistake in it, with line and column.
# Values like \${NAME} come from the environment. Everything here is optional; without tokens the page is open to
# one local person, \`you\`, who has the link that start prints.

# Where events come from. The name is the address: POST /events/alertmanager
# A source without a secret never starts anything by itself: it may only ask.
sources:
  alertmanager: {}
    # token: \${ALERTMANAGER_TOKEN}      # what Alertmanager sends as http_config.authorization
    # url: http://localhost:9093        # lets \`verify\` ask whether an alert still fires

# People, and groups that policy may ask. Accounts of chat platforms are named here.
people:
  you: { name: You }
  sam: { name: Sam (a sample colleague) }
groups:
  sre: [you, sam]

# Who may halt everything, resume, cancel and silence.
operators: [sre]

# To listen where other machines reach it, name tokens; each value is in the environment variable.
# tokens:
#   - { env: ALICE_TOKEN, person: alice }
`;

const policy = `# Rules in order; the first that holds decides. When none holds, people are asked.
rules:
  - name: reading is free
    when: runbook.risk == "none"
    decide: auto

  - name: otherwise ask
    decide: approve
    by: sre
    expires: 30m
`;

const hello = `# A runbook: when it runs, what it takes, what it does. Run it with: tocsin run hello name=world
title: Say hello
about: Shows that everything works. It reads, and changes nothing.
risk: none            # none (it only reads) | low | medium | high
on:
  - source: alertmanager
    match: { alertname: Hello }
params:
  name: { type: string, pattern: "[A-Za-z][A-Za-z -]{0,40}", default: world }
steps:
  - id: hello
    exec: [echo, "Hello, \${{ params.name }}!"]
  - id: machine
    exec: [uname, -a]
`;

const helloTest = `# What \`tocsin test\` checks: the runbook runs dry, so that no step acts.
cases:
  - name: an alert starts it
    event: { source: alertmanager, labels: { alertname: Hello } }
    expect:
      matches: true
      params: { name: world }
      steps: [hello, machine]
      inputs: { hello: [echo, "Hello, world!"] }
  - name: a name that is more than a name is refused
    params: { name: "$(id)" }
    expect: { refused: name }
`;

/** What `tocsin init` writes, by path. */
export const starterFiles: Readonly<Record<string, string>> = {
  'tocsin.yaml': config,
  'policy.yaml': policy,
  'runbooks/hello.yaml': hello,
  'runbooks/hello.test.yaml': helloTest,
};

/** The name of the schema of a file. */
export function schemaOf(path: string): string {
  if (path.endsWith('tocsin.yaml')) return 'tocsin.json';
  if (path.endsWith('policy.yaml')) return 'policy.json';
  return path.endsWith('.test.yaml') ? 'runbook-test.json' : 'runbook.json';
}
