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
  'src/flow/deliver/digest.ts': [
    {
      was: '[]',
      becomes: '["Stryker was here"]',
      because: 'a text among the items is over for nobody, and is left out',
    },
    { was: 'digest.thread === null', becomes: 'true', because: 'the count is shown only for a list of threads' },
  ],
  'src/flow/deliver/queue.ts': [
    { was: "''", becomes: '"Stryker was here!"', because: 'a text that is split has a first part' },
  ],
  'src/flow/journal/audit.ts': [
    { was: 'page.at(-1)?.seq', becomes: 'page.at(-1).seq', because: 'an empty page has returned before' },
    { was: '[]', becomes: '["Stryker was here"]', because: 'for the beginning the row is not looked at' },
    {
      was: '[]',
      becomes: '["Stryker was here"]',
      because: 'only what is behind the first element is read, and the defaults stand there',
    },
    {
      was: "''",
      becomes: '"Stryker was here!"',
      because: 'what is no note has no name either, and is refused by that',
    },
    {
      was: "''",
      becomes: '"Stryker was here!"',
      because: 'what is no note has no name either, and is refused by that',
    },
    { was: 'hash === undefined', becomes: 'false', because: 'what is no note is not signed either' },
  ],
  'src/flow/run/journal.ts': [
    {
      was: '[]',
      becomes: '["Stryker was here"]',
      because: 'what is no addition is refused alone, and nobody waits for it',
    },
    { was: '[]', becomes: '["Stryker was here"]', because: 'the list is made anew before it is read' },
    { was: 'buffer.waiting.length > 0', becomes: 'true', because: 'a round without additions commits nothing' },
    {
      was: 'buffer.waiting.length > 0',
      becomes: 'buffer.waiting.length >= 0',
      because: 'a round without additions commits nothing',
    },
    { was: 'allowed.length > 0', becomes: 'true', because: 'a change of no additions is none' },
    { was: 'allowed.length > 0', becomes: 'allowed.length >= 0', because: 'a change of no additions is none' },
    { was: '!allowed.includes(one)', becomes: 'true', because: 'a promise that is settled stays as it is' },
    {
      was: 'buffer.broken?.error',
      becomes: 'buffer.broken.error',
      because: 'an addition is held back only after a loss',
    },
    {
      was: 'first !== undefined && others.length === 0',
      becomes: 'false',
      because: 'one addition merged is the same change',
    },
    { was: 'first !== undefined', becomes: 'first === undefined', because: 'one addition merged is the same change' },
    { was: 'first !== undefined', becomes: 'true', because: 'one addition merged is the same change' },
  ],
  'src/flow/run/recover.ts': [
    { was: "'stopped'", becomes: '""', because: 'nobody reads the reason' },
    { was: 'found.at(-1)?.id', becomes: 'found.at(-1).id', because: 'a full page has a last one' },
    { was: 'run.approval === null', becomes: 'false', because: 'no approval has the id null' },
    { was: "approval.state !== 'open'", becomes: 'true', because: 'afterVote leaves an open one as it is' },
    { was: "'open'", becomes: '""', because: 'afterVote leaves an open one as it is' },
    { was: 'waiting.on === null', becomes: 'false', because: 'a wait for an approval or a run says for which' },
  ],
  'src/kernel/egress/request.ts': [
    { was: '[]', becomes: '["Stryker was here"]', because: 'the text is in no answer' },
    { was: 'body === null', becomes: 'false', because: 'a body of null is none' },
    { was: "''", becomes: '"Stryker was here!"', because: 'a text that is split has a first part' },
  ],
  'src/kernel/strict-json.ts': [
    { was: "''", becomes: '"Stryker was here!"', because: 'JSON.parse throws errors' },
    { was: 'false', becomes: 'true', because: 'what ends in an unexpected token has no beginning that is a document' },
    { was: "typeof value !== 'number'", becomes: 'false', because: 'the source of another value is no row of digits' },
    { was: 'context?.source', becomes: 'context.source', because: 'the engine gives the context with each value' },
    { was: "''", becomes: '"Stryker was here!"', because: 'the engine gives the source of each number' },
    { was: '[]', becomes: '["Stryker was here"]', because: 'the outermost value stands on its own set' },
    {
      was: "what === '{'",
      becomes: 'true',
      because: 'a text in a list has no colon behind it, so no name is looked for there',
    },
    { was: 'names?.has', becomes: 'names.has', because: 'a name stands in an object' },
    { was: 'names?.add', becomes: 'names.add', because: 'a name stands in an object' },
    { was: '`within ${text.length} characters`', becomes: '``', because: 'a key that is there twice is found' },
  ],
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
