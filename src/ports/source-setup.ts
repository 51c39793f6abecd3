import type { SourceSetup } from './source.ts';

/** What the steps of a set-up name. */
export interface SetupWords {
  /** Where the sender posts to. */
  url: string;
  /** The name of the source. */
  name: string;
  /** The variable of the environment that holds the secret. */
  variable: string;
  /** The secret, or words for it. */
  secret: string;
}

/** What to do at the sender, with what it names filled in. */
export function setupSteps({ steps }: SourceSetup, words: SetupWords): string[] {
  const withUser = words.url.replace('://', `://${words.name}:${words.secret}@`);
  return steps.map(step =>
    step
      .replaceAll('{url with password}', withUser)
      .replaceAll('{url}', words.url)
      .replaceAll('{secret}', words.secret)
      .replaceAll('{variable}', words.variable)
      .replaceAll('{name}', words.name),
  );
}
