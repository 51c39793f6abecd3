import type { Clock } from '../kernel/clock.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Log } from '../kernel/log.ts';
import type { Role } from '../model/node.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { ChatHost } from '../ports/chat.ts';
import type { Store } from '../ports/store.ts';

/** What the process gives the app. */
export interface AppOptions {
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  ids: Ids;
  log: Log;
  listen: { host: string; port: number };
  configPath: string;
  /** True when the path was named by the user, so that a missing file is an error. */
  configExplicit: boolean;
  dataFolder: string;
  version: string;
  /** The key of the local person; null makes none, and then tokens are needed. */
  localKey: string | null;
  /** The machine and the process, for people who look for this node: `web-1 pid 4242`. */
  at?: string;
  /** The role of this process; `all` when left out. */
  role?: Role;
  /** Ends a start that still waits for a database server. */
  signal?: AbortSignal;
  /** Called once when nothing can be written any more until a new process opens the database. The process should end then. */
  onFatal?: (error: Error) => void;
  /** For tests: makes the requests to addresses that senders name. */
  fetchPublic?: typeof fetch;
  /** For tests: wraps the store. */
  wrapStore?: (store: Store) => Store;
}

export interface App {
  /** Where it listens: `http://127.0.0.1:8080`. */
  url: string;
  /** The link that lets one local person act; null when tokens guard the console. */
  localLink: string | null;
  /** The port of the door for AdmissionReviews; null while it is closed. */
  admissionPort(): number | null;
  store: Store;
  host: ChatHost;
  catalogue: Catalogue;
  /** Stops: intake answers 503, running steps finish within the grace or are recorded as interrupted. */
  stop(because: string): Promise<void>;
}
