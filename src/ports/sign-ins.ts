import type { Actor } from '../model/actor.ts';

/**
 * Sign-ins of browsers. A sign-in is a token that the browser keeps and only a node of this installation can make. It is valid on every
 * node and after restarts without being stored; only sign-ins that were ended early are stored.
 */
export interface SignIns {
  /** A short name of this installation, the same on every node, for the name of the cookie. */
  readonly realm: string;
  /** Signs in with a token of tocsin.yaml or, in local mode, with the local key; null for an unknown one. */
  open(secret: string): SignIn | null;
  /**
   * The sign-in of a browser's pass. Null when the pass is missing, forged or expired, was ended on any node, or when the token that opened
   * it was withdrawn, changed or given to another person. Asks the store only about genuine passes; rejects when it does not answer.
   */
  read(pass: string | undefined): Promise<SignIn | null>;
  /** Local mode: the same sign-in as another person of tocsin.yaml; null for an unknown person or a sign-in by token. */
  actAs(signIn: SignIn, person: string): SignIn | null;
  /** Ends the sign-in on every node. Rejects when the store fails; then the sign-in is still valid. */
  end(signIn: SignIn): Promise<void>;
}

export interface SignIn {
  /** Stays the same after `actAs`. */
  id: string;
  /** The bearer token that the browser keeps. */
  pass: string;
  /** The token in each form of the pages (CSRF protection). */
  form: string;
  who: Actor;
  /** True when it was opened with the local key. */
  local: boolean;
  /** When it expires, by the clock of the node that opened it, milliseconds since the epoch. */
  until: number;
}
