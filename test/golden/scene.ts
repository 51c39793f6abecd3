import type { Run } from '../../src/model/run.ts';
import type { Name, Stage } from './stage.ts';

/** One golden card: how the app comes to show it. */
export interface Scene {
  /** The name of its folder. */
  name: string;
  /** What whoever looks at the card must see in seconds. */
  about: string;
  /** True when somebody in a hurry would approve what should not be approved. */
  trap: boolean;
  /** Who looks at it and would press Approve. */
  reader: Name;
  /** Resolves to the key of the post. */
  play(stage: Stage): Promise<string>;
}

export const approvalOf = (run: Run): string => `approval/${run.approval}`;
export const runOf = (run: Run): string => `run/${run.id}`;
export const hasEnded = (run: Run): boolean => run.finishedAt !== null;
