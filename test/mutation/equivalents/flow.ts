/** Of src/flow. */

import type { Equivalents } from './shape.ts';

export const flow: Equivalents = {
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
