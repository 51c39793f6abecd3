export interface Migration {
  /** Counts from 1 without a gap; a number never changes its meaning, and both stores use the same ones. */
  number: number;
  name: string;
  /** True when a process that does not know it must not open the database afterwards. */
  breaks: boolean;
  up: string;
}
