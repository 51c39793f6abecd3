/** Another try that somebody asked for. */
export interface Retry {
  id: string;
  /** What `put` was given. */
  again: string;
  attempts: number;
}

/** The list of what a source could not read, in the store: people see it in the API and the console, and may ask for another try. */
export interface DeadLetters {
  /**
   * Puts something on the list, or counts another attempt of what is on it. `key` names it within the source. Resolves to false, and nothing
   * is stored, when the list of this source is full.
   */
  put(letter: {
    key: string;
    /** What it is, for people: `s3://bucket/key`. */
    from: string;
    /** What is needed to read it again, at most 4,000 characters; null when there is nothing to read. */
    again: string | null;
    code: string;
    because: string;
    attempts: number;
  }): Promise<boolean>;
  /** The tries that were asked for and that no node makes; each is this node's for ten minutes. */
  takeRetries(): Promise<Retry[]>;
  /** It was read. */
  settle(id: string): Promise<void>;
  /** Calls the listener after somebody asked for another try. Returns the function that unsubscribes. */
  onRetry(listener: () => void): () => void;
}
