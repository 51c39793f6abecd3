/** Of src/model, src/http, src/sources and src/stores. */

import type { Equivalents } from './shape.ts';

export const edges: Equivalents = {
  'src/stores/sqlite/guards.ts': [
    { was: '[]', becomes: '["Stryker was here"]', because: 'a text is a guard of no kind' },
    { was: '[]', becomes: '["Stryker was here"]', because: 'a text is a row of no table' },
    { was: '[]', becomes: '["Stryker was here"]', because: 'a text is a guard of no kind' },
    {
      was: "stored !== null && 'doc' in row",
      becomes: "stored !== null || 'doc' in row",
      because: 'no version is lower than none',
    },
    { was: 'stored !== null', becomes: 'true', because: 'no version is lower than none' },
    { was: 'row.doc !== null', becomes: 'true', because: 'what has a stored version has a document' },
    { was: "guard.kind === 'lease'", becomes: 'true', because: 'no other guard has a release' },
    { was: 'made += 1', becomes: 'made -= 1', because: 'each 256th is the same in both directions' },
    { was: "'space'", becomes: '""', because: 'only the types read the names' },
    { was: "'key'", becomes: '""', because: 'only the types read the names' },
  ],
  'src/http/guards.ts': [{ was: "''", becomes: '"Stryker was here!"', because: 'neither is the name of a host' }],
  'src/model/alert.ts': [
    {
      was: 'known.newsAt === null',
      becomes: 'false',
      because: 'every time is at least null, which counts as 0 in a comparison: the next condition says the same',
    },
  ],
  'src/sources/webhook/proof.ts': [
    { was: '/[\\s,]+.*$/s', becomes: '/[\\s,]+.*/s', because: 'with the flag s the rest goes to the end anyway' },
    { was: '/[\\s,]+.*$/s', becomes: '/[\\s,].*$/s', because: 'the rest takes what the first class leaves' },
    { was: "''", becomes: '"Stryker was here!"', because: 'neither is a number of seconds' },
  ],
};
