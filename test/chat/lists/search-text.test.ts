import { expect, it } from 'vitest';
import { z } from 'zod';
import { listQuery, readSearch } from '../../../src/chat/console/lists/listing.ts';
import { alertWords } from '../../../src/model/search/words.ts';

it.each([['x'.repeat(5000)], [['x'.repeat(900), 'y'.repeat(900)]]])(
  'a search that is too long is a fault, and never one that finds everything',
  given => {
    const { q } = z.object(listQuery).parse({ q: given });
    expect(readSearch(q ?? '', alertWords).result).toMatchObject({
      ok: false,
      problem: { message: 'A search has at most 1000 characters.' },
    });
  },
);
