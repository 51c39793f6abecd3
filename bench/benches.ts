/** The benches by the name that `npm run bench -- NAME` takes, and what each is about. They run in this order. */
export const benches: Readonly<Record<string, { file: string; about: string }>> = {
  single: { file: './run.ts', about: 'start, memory, intake and the first step on SQLite' },
  fleet: { file: './fleet.ts', about: 'several processes on PostgreSQL and Redis' },
  group: { file: './group.ts', about: 'one group of 5,000 alerts (23 MB)' },
  expressions: {
    file: './expressions.ts',
    about: 'conditions of policies, beside the library that evaluated them before',
  },
  commands: { file: './commands.ts', about: 'one small program for each webhook, beside runners that keep nothing' },
  files: { file: './files.ts', about: 'bytes of the database for each event' },
};
