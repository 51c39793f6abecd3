/** Loads and checks the user's files as one set. */
export { type CatalogueParts, checkFiles, createCatalogue } from './catalogue.ts';
export { checkOwnCommands, isCommand, loadOwnCommands } from './commands.ts';
export { showProblems, sortProblems } from './problems.ts';
export { registerResolver } from './resolve.ts';
export { type LoadedSet, type LoadParts, loadSet } from './set.ts';
export { checkRunbookTests, runRunbookTests, showTests, type TestReport, testRunbook } from './tests.ts';
