import { describe } from 'vitest';
import { missingPostgres } from '../../real/postgres.ts';
import { postgresPlace, usePostgres } from '../../stores/postgres-place.ts';
import { windowsContract } from './windows.ts';

describe.skipIf(missingPostgres() !== null)('windows of records on a real PostgreSQL', () => {
  const server = usePostgres();
  windowsContract(() => postgresPlace(server()), true);
});
