import { describe } from 'vitest';
import { storeContract } from '../contracts/store.ts';
import { missingPostgres } from '../real/postgres.ts';
import { postgresPlace, usePostgres } from './postgres-place.ts';

describe.skipIf(missingPostgres() !== null)('on a real PostgreSQL', () => {
  const server = usePostgres();
  storeContract('postgres', () => postgresPlace(server()));
});
