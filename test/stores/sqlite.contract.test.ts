import { storeContract } from '../contracts/store.ts';
import { sqlitePlace } from './place.ts';

storeContract('sqlite', sqlitePlace);
