/** The benches by the name that `npm run bench -- NAME` takes, and what each is about. They run in this order, all but those that run only when they are named. */
export const benches: Readonly<Record<string, { file: string; about: string; named?: true }>> = {
  door: {
    file: './door.ts',
    about: 'durable ingest beside a reference that writes the same rows, and beside a bare server',
  },
  sources: { file: './sources.ts', about: 'durable ingest of an event of EventBridge beside an alert of Alertmanager' },
  memory: { file: './memory.ts', about: 'memory of all processes: idle, under load, and a minute later' },
  single: { file: './run.ts', about: 'start, memory and the first step on SQLite' },
  fleet: { file: './fleet.ts', about: 'several processes on PostgreSQL and Redis' },
  group: { file: './group.ts', about: 'one group of 5,000 alerts (23 MB)' },
  chat: { file: './chat.ts', about: 'from a press to output, and from an alert to its message, in a double of Slack' },
  storm: { file: './storm.ts', about: 'messages of 1,000 alerts in a double of Slack' },
  recovery: {
    file: './recovery.ts',
    about: 'killed in the middle of its work and started again: what runs, when, and what is lost',
  },
  expressions: {
    file: './expressions.ts',
    about: 'conditions of policies, beside the library that evaluated them before',
  },
  commands: { file: './commands.ts', about: 'one small program for each webhook, beside runners that keep nothing' },
  files: { file: './files.ts', about: 'bytes of the database for each event' },
  audit: { file: './audit.ts', about: '`audit verify` of an exported file, beside reading and hashing it' },
  records: { file: './records.ts', about: 'raw records parsed, detected in and counted, beside split and a Map' },
  gates: {
    file: './gates.ts',
    about: 'admission over TLS: the time of an answer, and throughput beside a bare node:https server',
  },
  changes: { file: './changes.ts', about: 'a change judged against 10,000 permits beside one against 10' },
  console: {
    file: './console.ts',
    about: 'the page of 5,000 alerts in a real Chromium, beside the same page with none',
  },
  large: { file: './large.ts', about: 'start, pages and intake with 10 million entries beside 100,000', named: true },
};
