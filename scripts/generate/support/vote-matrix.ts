/** Every way to vote, and every case that must not count: docs/security.md is made of this list, and test/votes tries each cell of it. */

export const cases = {
  requester: 'whoever asked for the run votes on it',
  outsider: 'a known person votes who is in none of the groups that may',
  guest:
    'somebody votes who is no full member: a guest, and somebody from elsewhere; by HTTP a service, and somebody without a token. The guests are in `people` and in the group',
  expired: 'a vote after the time to vote is over',
  replayed: 'the same once more after it was decided, by the same person and by another one',
  altered:
    'the button carries another seal, or the seal of another approval; the command line names another plan, or the plan of another approval',
  voided: 'a vote after a newer episode of the alert began',
  resolved: 'a vote after the alert was resolved',
} as const;
export type Case = keyof typeof cases;

/** What is told, in the order in which it is tried; or why there is no such case. */
type Cell = readonly string[] | { impossible: string };

export function isPossible(cell: Cell): cell is readonly string[] {
  return Array.isArray(cell);
}

const own = ['Nobody votes on a run that they asked for themselves.'];
const outside = ['Only sre may vote here.'];
const service = 'Only people vote, and service ci is not a person.';
const late = 'It is expired already: nobody decided in time.';
const decided = 'It is approved already: approved by alice.';
const foreignSeal = 'This button was not made for this plan.';
const newer = 'It is void already: a newer episode of the alert began, which is decided by itself, so nothing runs.';
const over = 'It is void already: the alert is resolved, so nothing runs.';
const changed = 'This changed before you pressed; nothing was done.';
const noSeal = {
  impossible: 'it carries no seal: it names an approval, and who votes is proved by the request itself',
};
/** The command line sends the plan that was looked at in place of a seal. */
const otherPlan = 'The plan that waits is not the one that you name.';

/** What every path that names the approval answers, as long as it is not the platform that refuses first. */
const common = {
  requester: own,
  outsider: outside,
  expired: [late],
  replayed: [decided, decided],
  altered: [foreignSeal, foreignSeal],
  voided: [newer],
  resolved: [over],
} as const satisfies Partial<Record<Case, Cell>>;

const slack = {
  ...common,
  guest: ['the account is a guest of the workspace', 'the account belongs to another workspace'],
};
/** In Discord a button refers to the stored card, which has no such button any more. */
const discord = {
  ...common,
  guest: ['this account has not accepted the rules of the server yet', 'this came from another Discord server'],
  expired: [changed],
  replayed: [changed, changed],
  altered: [changed, changed],
  voided: [changed],
  resolved: [changed],
};

interface Row {
  name: string;
  cells: Record<Case, Cell>;
}

export const paths = {
  api: {
    name: 'API, `POST /api/v1/approvals/{id}/votes`',
    cells: { ...common, guest: [service, 'This needs a bearer token or a signed-in session.'], altered: noSeal },
  },
  cli: {
    name: 'command line, `tocsin approve --plan`',
    cells: {
      ...common,
      guest: [service, 'This needs a bearer token or a signed-in session.'],
      altered: [otherPlan, otherPlan],
    },
  },
  'console-button': {
    name: 'console, button',
    cells: { ...common, guest: [service, 'Your session has ended. Sign in again.'] },
  },
  'console-command': {
    name: 'console, command',
    cells: { ...common, guest: [service, 'Your session has ended. Sign in again.'], altered: noSeal },
  },
  // A second press of the same person within three seconds is a double click, and is answered once.
  'slack-button': { name: 'Slack, button', cells: { ...slack, replayed: [decided] } },
  'slack-modal': { name: 'Slack, form for a reason', cells: slack },
  'slack-command': { name: 'Slack, command', cells: { ...slack, altered: noSeal } },
  'slack-mention': { name: 'Slack, mention', cells: { ...slack, altered: noSeal } },
  'discord-button': { name: 'Discord, button', cells: discord },
  'discord-modal': { name: 'Discord, form for a reason', cells: discord },
  'discord-command': {
    name: 'Discord, command',
    cells: { ...common, guest: discord.guest, altered: noSeal },
  },
} as const satisfies Record<string, Row>;
export type Path = keyof typeof paths;

export function cellOf(path: Path, which: Case): Cell {
  return paths[path].cells[which];
}
