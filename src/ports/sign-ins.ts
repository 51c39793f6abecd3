import type { Actor } from '../model/actor.ts';

/**
 * Sign-ins of browsers. They are kept by the browser, as a text that only a node of this installation can make, so that they hold on every
 * node and over restarts without being stored; only those that were ended early are.
 */
export interface SignIns {
  /** A short name of this installation, the same on each node: for the name of a cookie. */
  readonly realm: string;
  /** For whoever has this token or, in local mode, the key; null for an unknown one. */
  open(secret: string): SignIn | null;
  /**
   * What a browser brought; null when there is none, when it is forged or over, was ended on whichever node, or when the token that opened it
   * was withdrawn, changed or given to somebody else. Rejects when the store does not answer, but asks it only about what is genuine.
   */
  read(pass: string | undefined): Promise<SignIn | null>;
  /** Local mode: the same sign-in as another person of tocsin.yaml; null when there is no such person, or for a token. */
  actAs(signIn: SignIn, person: string): SignIn | null;
  /** Ends it on every node. Rejects when the store does not take it: then it still holds. */
  end(signIn: SignIn): Promise<void>;
}

export interface SignIn {
  /** The same while one acts as somebody else. */
  id: string;
  /** What the browser keeps; whoever has it is signed in. */
  pass: string;
  /** What each form of its pages carries. */
  form: string;
  who: Actor;
  /** True when the key of the local person opened it. */
  local: boolean;
  /** When it is over, by the clock of the node that opened it. */
  until: number;
}
