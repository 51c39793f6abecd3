/** An account of Slack. Both halves are needed: the same user id may exist in another workspace. */
export interface Account {
  team: string | null;
  user: string;
}
