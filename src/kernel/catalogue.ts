/**
 * All errors that reach people, by code. A code never changes its meaning. `status` is the HTTP status for it, `message` says what happened
 * and `remedy` what to do about it. A test throws or names every code, and docs/errors.md is generated from this file.
 */
export const catalogue = {
  // Requests at the door
  'bad-signature': {
    status: 401,
    message: 'The request is not signed as this source requires.',
    remedy: 'Compare the name in the address and the secret in tocsin.yaml with what the sender uses.',
  },
  'body-too-large': {
    status: 413,
    message: 'The request body is larger than this source allows.',
    remedy: 'Send less in one request, or raise the limit of the source.',
  },
  'wrong-content-type': {
    status: 415,
    message: 'The content type is not one this address takes.',
    remedy: 'Send the content type that is allowed.',
  },
  'bad-body': {
    status: 422,
    message: 'The request body does not parse.',
    remedy: 'Send one well-formed document in the shape the source documents.',
  },
  'method-not-allowed': {
    status: 405,
    message: 'This address does not take this method.',
    remedy: 'Send it with POST; a source that is asked with OPTIONS names in tocsin.yaml who may deliver.',
  },
  overloaded: {
    status: 503,
    message: 'Not accepted: Tocsin cannot make the event durable right now.',
    remedy: 'Send it again after the time in Retry-After; nothing was stored.',
  },
  'key-unreachable': {
    status: 503,
    message: 'Not accepted: the key that the signature must be checked with cannot be fetched right now.',
    remedy: 'See that this machine reaches the address over https; the sender tries again.',
  },
  draining: {
    status: 503,
    message: 'Not accepted: this process is stopping.',
    remedy: 'Send it again after the time in Retry-After.',
  },
  'not-found': {
    status: 404,
    message: 'There is nothing here under this name.',
    remedy: 'Check the name; lists show what exists.',
  },
  'bad-request': {
    status: 400,
    message: 'The request is not one this address takes.',
    remedy: 'See /openapi.json for what is allowed.',
  },
  unauthenticated: {
    status: 401,
    message: 'This needs a bearer token or a signed-in session.',
    remedy: 'Send Authorization: Bearer <token>, with a token named in tocsin.yaml.',
  },
  forbidden: { status: 403, message: 'You may not do this.', remedy: 'Ask somebody who may; the reason says who.' },
  conflict: { status: 409, message: 'This is decided already.', remedy: 'Look at its present state.' },
  'not-asked': {
    status: 409,
    message: 'The run does not ask this now.',
    remedy: 'Open the run, see what it asks now, and use the buttons that stand there.',
  },
  'wrong-host': {
    status: 421,
    message: 'This address is not served under that host name.',
    remedy: 'Open the address that start printed, or name the public one as `url` in tocsin.yaml.',
  },
  'wrong-origin': {
    status: 403,
    message: 'A page of another site may not send this.',
    remedy: 'Send it from the console, or from a program without an Origin header.',
  },
  'gate-key-used': {
    status: 422,
    message: 'This Idempotency-Key was sent with another subject.',
    remedy: 'Send a key of its own with each question, and the same one only to send that question again.',
  },
  'gate-subject': {
    status: 422,
    message: 'The subject lacks what this gate needs.',
    remedy: 'Send all that the gate needs; gates.yaml names it under needs.',
  },
  'permit-refused': {
    status: 422,
    message: 'This permits more than its sender may permit.',
    remedy: 'Ask for less, or widen what changes.yaml lets this importer permit, under importers.',
  },
  'evidence-invalid': {
    status: 422,
    message: 'A document of evidence cannot be read.',
    remedy:
      'Send it as the tool wrote it: CycloneDX, SPDX, SARIF, Trivy, Grype, a Sigstore bundle or a DSSE envelope, as JSON.',
  },
  'evidence-mismatch': {
    status: 422,
    message: 'A document of evidence is of another subject.',
    remedy: 'Send the document of the image or commit that the subject names, by digest.',
  },
  internal: {
    status: 500,
    message: 'Something failed inside Tocsin.',
    remedy: 'Look at the log under the id of the request.',
  },

  'tokens-missing': {
    status: 500,
    message:
      'Listening elsewhere than on loopback needs tokens: without them everybody who reaches the port could act.',
    remedy: 'Name tokens in tocsin.yaml, or listen on 127.0.0.1.',
  },

  // Files
  'file-missing': {
    status: 500,
    message: 'A file that is needed is not there.',
    remedy: 'Create it, or correct the path.',
  },
  'file-unusable': {
    status: 500,
    message: 'A file or folder cannot be used.',
    remedy: 'Name another, or give this user access to it.',
  },
  'file-invalid': {
    status: 500,
    message: 'A file has something in it that is not allowed.',
    remedy: 'Correct the place that is named; tocsin check shows all of them.',
  },
  'sigma-unsupported': {
    status: 500,
    message: 'A Sigma rule has something in it that Tocsin does not read.',
    remedy: 'Write it with what is allowed, or take the file out of `sigma.files`.',
  },
  'expression-invalid': {
    status: 500,
    message: 'The expression is not one that can be used here.',
    remedy: 'Correct it at the place that is named; docs/reference/expressions.md lists what is known.',
  },
  'expression-failed': {
    status: 500,
    message: 'The expression could not be evaluated.',
    remedy: 'Correct the expression, or the data that it met.',
  },
  'driver-invalid': {
    status: 500,
    message: 'A shelf file is not a driver of its shelf.',
    remedy: 'Make its default export fit; see docs/extending.md.',
  },
  'params-invalid': {
    status: 422,
    message: 'The parameters do not fit the runbook.',
    remedy: 'Give each parameter a value that is allowed.',
  },
  'runbook-unknown': { status: 404, message: 'There is no runbook of this name.', remedy: 'See the list of runbooks.' },

  // The store
  'guard-failed': {
    status: 409,
    message: 'Somebody else was first: what this change relied on is no longer so.',
    remedy: 'Read again and decide again.',
  },
  'store-failed': {
    status: 503,
    message: 'The store did not take the change.',
    remedy: 'Look at the log for its cause: disk full, read only or damaged.',
  },
  'store-too-old': {
    status: 500,
    message: 'The SQLite library is too old to be safe.',
    remedy: 'Use the Node release that package.json names.',
  },
  'store-too-new': {
    status: 500,
    message: 'The database was written by a newer Tocsin.',
    remedy: 'Start that version, or restore a backup from before the upgrade.',
  },
  'store-unreachable': {
    status: 503,
    message: 'The database server cannot be reached.',
    remedy: 'See that it runs and that DATABASE_URL names it; it is tried again until it answers.',
  },
  'store-refused': {
    status: 500,
    message: 'The database server does not let Tocsin in.',
    remedy: 'Correct DATABASE_URL, or what the server allows.',
  },
  'store-not-empty': {
    status: 409,
    message: 'The database to copy into is not empty.',
    remedy: 'Let DATABASE_URL name a new database; nothing was changed.',
  },
  'store-in-use': {
    status: 409,
    message: 'Older processes use the database, and the upgrade would break them.',
    remedy: 'Stop every process of the older version, then start this one.',
  },
  'store-locked': {
    status: 500,
    message: 'Another Tocsin process has this data folder open.',
    remedy: 'Stop it first, or set TOCSIN_DATA to another folder.',
  },
  'row-broken': {
    status: 500,
    message: 'A stored row cannot be unpacked: it is not what was written.',
    remedy: 'Keep a copy of the database, run `tocsin audit verify`, and restore a backup.',
  },
  'journal-broken': {
    status: 500,
    message: 'The journal does not verify.',
    remedy: 'Keep a copy of the data folder, then compare it with your last backup and checkpoint.',
  },

  'redis-unfit': {
    status: 500,
    message: 'This Redis cannot carry the wake-ups.',
    remedy: 'Give Tocsin a Redis 7 or later with `maxmemory-policy noeviction`, and a user that may use it.',
  },

  // Running
  'step-failed': { status: 500, message: 'The step failed.', remedy: 'Read its output.' },
  'step-timeout': {
    status: 500,
    message: 'The step took longer than its timeout and was stopped.',
    remedy: 'Find out why it is slow, or give it a longer timeout.',
  },
  'replay-differs': {
    status: 500,
    message: 'On replay the runbook did not do what is journalled.',
    remedy: 'Make the runbook deterministic: everything that varies belongs in a step.',
  },
  'plan-changed': {
    status: 409,
    message: 'What would run is not what was approved.',
    remedy: 'Start a new run and have it approved.',
  },
  'lease-lost': {
    status: 409,
    message: 'Another process works on this run now.',
    remedy: 'Nothing: the other process goes on with it.',
  },
  cancelled: { status: 409, message: 'The run was cancelled.', remedy: 'Start it again if it is still wanted.' },

  // Starting, and the command line
  'listen-failed': {
    status: 500,
    message: 'The address cannot be listened on.',
    remedy: 'Stop what uses it, or set TOCSIN_LISTEN to another host:port.',
  },
  'environment-invalid': {
    status: 500,
    message: 'An environment variable has a value that is not allowed.',
    remedy: 'Correct or unset it.',
  },
  'usage-invalid': {
    status: 400,
    message: 'The command line has something in it that is not allowed.',
    remedy: 'See tocsin --help.',
  },
  'not-reachable': {
    status: 503,
    message: 'No Tocsin answers at this address.',
    remedy: 'Start it, or set TOCSIN_URL to where it listens.',
  },
  // Steps and their child processes
  'argv-invalid': {
    status: 422,
    message: 'The command is not one that can be started.',
    remedy: 'Correct the argv, the environment or the folder that is named.',
  },
  'program-missing': {
    status: 500,
    message: 'The program is not there, or may not be executed.',
    remedy: 'Install it, or name it by its full path; children get the PATH that is shown, not the one of your shell.',
  },
  'spawn-failed': {
    status: 500,
    message: 'The system did not start the program.',
    remedy: 'Look at the cause: too many processes or open files, no memory, or an argument list that is too long.',
  },
  'spawner-lost': {
    status: 500,
    message: 'The helper process that started the program ended, so nobody can say how the program ended.',
    remedy: 'Look at what the program did. Look in the log for the reason: out of memory, or ended by somebody.',
  },
  'isolation-unavailable': {
    status: 500,
    message: 'This machine does not allow a private PID namespace.',
    remedy: 'Run Tocsin as root or allow unprivileged user namespaces, or take `isolate` off the step.',
  },
  'children-left': {
    status: 500,
    message: 'Processes of a step are still alive after KILL.',
    remedy: 'Look at them with ps: they wait for a device, or belong to another user (sudo).',
  },

  // Requests that steps and sources make
  'egress-refused': {
    status: 403,
    message: 'The address is not one that requests may go to.',
    remedy: 'Name it under egress in tocsin.yaml: `allow` for public hosts, `private` for private and loopback ones.',
  },
  'egress-failed': {
    status: 502,
    message: 'The request got no answer.',
    remedy: 'See whether the host is up and reachable from here.',
  },
  'response-too-large': {
    status: 502,
    message: 'The answer is larger than what is read.',
    remedy: 'Ask for less: a page, a filter, a single object.',
  },

  // Chat platforms
  'chat-limited': {
    status: 503,
    message: 'The chat platform wants fewer requests for a while.',
    remedy: 'Nothing: it is tried again when the platform allows it.',
  },
  'chat-down': {
    status: 502,
    message: 'The chat platform cannot be reached.',
    remedy:
      'Nothing is lost: threads catch up when it is back. See its status page, and the token and network of this machine.',
  },
  'chat-refused': {
    status: 422,
    message: 'The chat platform does not take this message.',
    remedy: 'See what it says: the channel may be gone, or the bot may not be in it.',
  },
  'chat-root-gone': {
    status: 502,
    message: 'The first message of the thread was deleted in the chat platform.',
    remedy: 'Nothing: it is posted anew, and the thread goes on there.',
  },

  // Write-back to the origins of alerts
  'origin-limited': {
    status: 503,
    message: 'The origin of the alert wants fewer requests for a while.',
    remedy: 'Nothing: it is tried again when the origin allows it.',
  },
  'origin-down': {
    status: 502,
    message: 'The origin of the alert cannot be reached.',
    remedy: 'Nothing is lost: it is told when it is back. See its status page, and the network of this machine.',
  },
  'origin-refused': {
    status: 422,
    message: 'The origin of the alert does not take this.',
    remedy: 'See what it says; `tocsin doctor` checks the key and what it may do.',
  },
} as const satisfies Record<string, { status: number; message: string; remedy: string }>;
