import type { Program } from '../e2e/programs.ts';

/** Resolves when the program says so. One that ends before, or says nothing of it for 45 seconds, is ended, and what it said is the error. */
export async function whenReady(program: Program, pattern: RegExp): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it never said ${pattern}:\n${program.output()}`)), 45_000);
  });
  try {
    await Promise.race([program.says(pattern), tooLate]);
  } catch (error) {
    await program.stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
