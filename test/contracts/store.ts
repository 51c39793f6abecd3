import { describe } from 'vitest';
import type { Place } from './place.ts';
import { blobsContract } from './store-blobs.ts';
import { commitContract } from './store-commit.ts';
import { crashContract } from './store-crash.ts';
import { deliveriesContract } from './store-deliveries.ts';
import { leaseContract } from './store-lease.ts';
import { listsContract } from './store-lists.ts';
import { packedContract } from './store-packed.ts';
import { postsContract } from './store-posts.ts';
import { searchContract } from './store-search.ts';
import { talliesContract } from './store-tallies.ts';

/** What every store promises. An implementation names itself and says how to make an empty place. */
export function storeContract(name: string, makePlace: () => Promise<Place>): void {
  describe(`store ${name}`, () => {
    commitContract(makePlace);
    leaseContract(makePlace);
    listsContract(makePlace);
    searchContract(makePlace);
    postsContract(makePlace);
    deliveriesContract(makePlace);
    blobsContract(makePlace);
    packedContract(makePlace);
    talliesContract(makePlace);
    crashContract(makePlace);
  });
}
