/** Prints `N passed, N failed` from vitest's results as JSON, and exits with 1 when a test failed, a file did not load, or nothing ran. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const report = z.object({
  success: z.boolean(),
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.unknown()) })),
});

const file = process.argv[2];
if (file === undefined) throw new Error('usage: count-tests.ts <report.json>');
const found = report.parse(JSON.parse(readFileSync(file, 'utf8')));
/** A file that failed before its first test counts as a failure, or it would go unseen. */
const unloaded = found.testResults.filter(one => one.status === 'failed' && one.assertionResults.length === 0).length;
const failed = found.numFailedTests + unloaded;
const skipped = found.numPendingTests + found.numTodoTests;
console.log(`${found.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || !found.success || found.numPassedTests === 0 ? 1 : 0;
