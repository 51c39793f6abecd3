import { describe } from 'vitest';
import { sqlitePlace } from '../../stores/place.ts';
import { windowsContract } from './windows.ts';

describe('windows of records on SQLite', () => windowsContract(sqlitePlace, false));
