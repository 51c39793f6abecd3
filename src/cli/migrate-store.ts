import { type CliCommand, usage } from './command.ts';
import { readSettings } from './environment.ts';
import { assertDatabase } from './files.ts';
import { copyStore } from './migrate-copy.ts';
import { exitCode } from './terminal.ts';

export const migrateStore: CliCommand = {
  name: 'migrate-store',
  about: 'Copies the SQLite database of the data folder into the empty PostgreSQL database of DATABASE_URL.',
  usage: '',
  options: [],
  words: { least: 0, most: 0 },
  examples: ['TOCSIN_DATA=./data DATABASE_URL=postgres://tocsin@db.internal/tocsin tocsin migrate-store'],
  async run(_input, terminal) {
    const { dataFolder } = readSettings(terminal.env, terminal.cwd);
    const url = terminal.env['DATABASE_URL']?.trim() ?? '';
    if (url === '') throw usage(migrateStore, 'DATABASE_URL does not say where to copy to.');
    assertDatabase(dataFolder, 'Set TOCSIN_DATA to the data folder of the process that was stopped.');
    const { head, rows, to } = await copyStore(dataFolder, url, terminal);
    terminal.err(`Copied ${rows} rows to ${to}; the journal verifies there: ${head.seq} entries.`);
    terminal.err(
      'From now on start Tocsin with DATABASE_URL only. The old database was left as it is: a process that goes on with it would run what runs here a second time.',
    );
    terminal.out(`${head.seq}:${head.hash}`);
    return exitCode.ok;
  },
};
