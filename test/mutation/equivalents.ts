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
  'src/flow/pipeline/match.ts': [
    {
      was: 'known.position <= bound.position',
      becomes: 'known.position < bound.position',
      because: 'at the same position both are the same trigger',
    },
    {
      was: 'a.runbook.id < b.runbook.id',
      becomes: 'a.runbook.id <= b.runbook.id',
      because: 'each runbook stands in the list once',
    },
    { was: "''", becomes: '"Stryker was here!"', because: 'a label that is there has a text' },
  ],
  'src/kernel/signature.ts': [
    { was: 'one !== null', becomes: 'true', because: 'what does not decode is compared as zeros, which no HMAC is' },
    {
      was: 'known !== undefined',
      becomes: 'false',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'true',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'false',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'digests.size > mostDigests',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'digests.size < mostDigests',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    { was: 'digests.clear();', becomes: ';', because: 'it changes how many digests are kept in memory, and no answer' },
    {
      was: 'digests.set(expected, made);',
      becomes: ';',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    { was: "''", becomes: '"Stryker was here!"', because: 'a missing token is refused whatever it is compared with' },
    { was: "''", becomes: '"Stryker was here!"', because: 'neither is a user with a password' },
    { was: 'space < 0', becomes: 'space <= 0', because: 'what is before a space at the beginning is no scheme either' },
    { was: "rest === ''", becomes: 'false', because: 'empty credentials are refused by whoever reads them' },
    { was: "''", becomes: '"Stryker was here!"', because: 'empty credentials are refused by whoever reads them' },
  ],
  'src/flow/pipeline/episode.ts': [
    {
      was: "change.kind === 'news' || change.kind === 'closed'",
      becomes: 'false',
      because: 'the kinds of news are asked for one by one below, so this only saves a read',
    },
    {
      was: "change.kind === 'news' || change.kind === 'closed'",
      becomes: "change.kind === 'news' && change.kind === 'closed'",
      because: 'the kinds of news are asked for one by one below, so this only saves a read',
    },
    {
      was: "change.kind === 'news'",
      becomes: 'false',
      because: 'the kinds of news are asked for one by one below, so this only saves a read',
    },
    {
      was: "'news'",
      becomes: '""',
      because: 'the kinds of news are asked for one by one below, so this only saves a read',
    },
    {
      was: "change.kind === 'closed'",
      becomes: 'false',
      because: 'the kinds of news are asked for one by one below, so this only saves a read',
    },
    {
      was: "'closed'",
      becomes: '""',
      because: 'the kinds of news are asked for one by one below, so this only saves a read',
    },
    {
      was: 'isEnded(run.state)',
      becomes: 'true',
      because: 'every run that has ended has the time of its end, and no other has',
    },
    {
      was: 'run.finishedAt === null',
      becomes: 'false',
      because: 'every run that has ended has the time of its end, and no other has',
    },
  ],
  'src/flow/acts/vote.ts': [
    {
      was: '[]',
      becomes: '["Stryker was here"]',
      because: 'it only offers a word that resembles nothing, so nothing is offered',
    },
    { was: 'standing === null', becomes: 'false', because: 'who is in none of the groups was refused the line before' },
    { was: 'facts.length === 0', becomes: 'false', because: 'a commit without facts stores the document as it is' },
    { was: 'run === null', becomes: 'false', because: 'every approval has its run: both are stored in one commit' },
    { was: 'run === null', becomes: 'false', because: 'every approval has its run: both are stored in one commit' },
    { was: 'run === null', becomes: 'false', because: 'every approval has its run: both are stored in one commit' },
    { was: 'run !== null', becomes: 'true', because: 'every approval has its run: both are stored in one commit' },
    { was: '[]', becomes: '["Stryker was here"]', because: 'the store ignores what is no guard' },
    { was: 'alert?.lastFiring', becomes: 'alert.lastFiring', because: 'nobody is warned about a run without an alert' },
    {
      was: "who.kind !== 'person'",
      becomes: 'false',
      because: 'only people get here: authorise refuses everybody else before, and refuseVote again',
    },
    {
      was: "who.kind === 'person'",
      becomes: 'true',
      because: 'only people get here: authorise refuses everybody else before, and refuseVote again',
    },
    {
      was: "who.kind === 'person'",
      becomes: 'true',
      because: 'only people get here: authorise refuses everybody else before, and refuseVote again',
    },
    {
      was: "'none'",
      becomes: '""',
      because: 'only people get here: authorise refuses everybody else before, and refuseVote again',
    },
  ],
  'src/sources/webhook/proof.ts': [
    { was: '/[\\s,]+.*$/s', becomes: '/[\\s,]+.*/s', because: 'with the flag s the rest goes to the end anyway' },
    { was: '/[\\s,]+.*$/s', becomes: '/[\\s,].*$/s', because: 'the rest takes what the first class leaves' },
    { was: "''", becomes: '"Stryker was here!"', because: 'neither is a number of seconds' },
  ],
  'src/flow/pipeline/begin.ts': [
    { was: '[]', becomes: '["Stryker was here"]', because: 'what is no run has no time at which it failed' },
    {
      was: '[]',
      becomes: '["Stryker was here"]',
      because: 'nobody looks at a target of that name where no rule looks back',
    },
  ],
  'src/flow/pipeline/reopen.ts': [
    { was: 'alert.reopenedAt === null', becomes: 'false', because: 'this only saves a read: `add` asks the same' },
    {
      was: 'event !== null',
      becomes: 'true',
      because: 'an alert that is reopened has such an event, and no other kind of entry has an effect',
    },
    {
      was: "'stopped'",
      becomes: '""',
      because: 'nobody reads the reason: what it ends asks only whether it was ended',
    },
    { was: 'alert !== null', becomes: 'true', because: 'no alert is ever removed' },
    { was: "alert.state !== 'resolved'", becomes: 'true', because: 'a resolve takes `reopenedAt` back' },
    { was: "'resolved'", becomes: '""', because: 'a resolve takes `reopenedAt` back' },
    {
      was: "fact.kind === 'event.accepted'",
      becomes: 'true',
      because: 'an alert that is reopened has such an event, and no other kind of entry has an effect',
    },
    {
      was: "last?.fact.kind === 'event.accepted'",
      becomes: 'true',
      because: 'an alert that is reopened has such an event, and no other kind of entry has an effect',
    },
    {
      was: 'last?.fact',
      becomes: 'last.fact',
      because: 'an alert that is reopened has such an event, and no other kind of entry has an effect',
    },
  ],
};
