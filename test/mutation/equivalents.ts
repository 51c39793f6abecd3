/** Mutants of the safety files that change nothing anybody could see, each with the reason. `npm run test:mutation` does not count them. */

export interface Equivalent {
  /** The source text that the mutant replaces, exactly. */
  was: string;
  /** What the mutant puts in its place, exactly as the report says. */
  becomes: string;
  because: string;
}

/** By file; one entry for each mutant, in any order. */
export const equivalents: Record<string, Equivalent[]> = {
  'src/flow/pipeline/decide.ts': [
    {
      was: 'errors.length > 0',
      becomes: 'true',
      because: 'without an error something caps only `auto`, and whether a rule failed matters only for `notify`',
    },
    {
      was: 'errors.length > 0',
      becomes: 'errors.length >= 0',
      because: 'without an error something caps only `auto`, and whether a rule failed matters only for `notify`',
    },
    {
      was: 'order.indexOf(verdict) >= order.indexOf(cap)',
      becomes: 'order.indexOf(verdict) > order.indexOf(cap)',
      because: 'at the same place both verdicts are the same one',
    },
    {
      was: "'auto'",
      becomes: '""',
      because: '`auto` is then at -1, which is before the others as well',
    },
  ],
  'src/kernel/egress/address.ts': [
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "''", becomes: '"Stryker was here!"', because: 'a split always has a first part' },
    { was: "''", becomes: '"Stryker was here!"', because: 'a split always has a first part' },
    {
      was: '/(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+)$/',
      becomes: '/(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+)/',
      because: 'an address that has passed isIP has its dotted part at the end',
    },
    { was: 'parts.slice(0, 4)', becomes: 'parts', because: 'only the first four are taken' },
    {
      was: 'right === undefined',
      becomes: 'false',
      because: 'an address without :: has eight groups, so the gap is 0 either way',
    },
    {
      was: 'groups.length === 8 && groups.every(group => group >= 0 && group <= 0xffff)',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'groups.length === 8 && groups.every(group => group >= 0 && group <= 0xffff)',
      becomes: 'groups.length === 8 || groups.every(group => group >= 0 && group <= 0xffff)',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'groups.length === 8',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'groups.every(group => group >= 0 && group <= 0xffff)',
      becomes: 'groups.some(group => group >= 0 && group <= 0xffff)',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group >= 0 && group <= 0xffff',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group >= 0 && group <= 0xffff',
      becomes: 'group >= 0 || group <= 0xffff',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group >= 0',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group <= 0xffff',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
  ],
  'src/http/guards.ts': [{ was: "''", becomes: '"Stryker was here!"', because: 'neither is the name of a host' }],
  'src/model/alert.ts': [
    {
      was: 'known.newsAt === null',
      becomes: 'false',
      because: 'every time is at least null, which counts as 0 in a comparison: the next condition says the same',
    },
  ],
};
