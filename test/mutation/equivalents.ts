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
};
