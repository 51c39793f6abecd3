/** What somebody is shown before their approval counts, because there is something to know beforehand or the risk is high. */
export interface Confirmation {
  /** In our own words: `Approve clean-disk on web-1?` */
  title: string;
  /** Why it is asked again, where it is. */
  news: string | null;
  warnings: readonly string[];
  /** What it acts on and with what, none of it left out. */
  facts: readonly { label: string; value: string }[];
  /** Everything that runs, as far as it is known. A platform that cannot show all of it shows its beginning and its end. */
  commands: string;
  /** Whether the rule wants a reason. */
  reason: 'optional' | 'required';
  /** Goes back as `confirmed` of the vote. It holds for this person, this plan and these warnings. */
  seal: string;
}
