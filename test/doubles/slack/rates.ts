/** Calls a minute by the tier of the method: docs.slack.dev, rate limits. chat.postMessage has limits of its own. */
const tiers: Record<string, number> = {
  'chat.update': 50,
  'chat.delete': 50,
  'chat.postEphemeral': 100,
  'conversations.list': 20,
  'conversations.history': 50,
  'conversations.replies': 50,
  'files.getUploadURLExternal': 100,
  'files.completeUploadExternal': 100,
  'reactions.add': 50,
  'reactions.remove': 20,
  'usergroups.list': 20,
  'usergroups.users.list': 20,
  'users.info': 100,
  'views.open': 100,
  'views.publish': 100,
  'views.push': 100,
  'views.update': 100,
};

/** About one message a second and channel, where a short burst is let through, and some hundred a minute over all. */
const posts = [
  { key: (channel: string) => `channel ${channel}`, count: 8, per: 4000 },
  { key: (channel: string) => `channel ${channel} minute`, count: 62, per: 60_000 },
  { key: () => 'workspace', count: 300, per: 60_000 },
];

export interface Rates {
  /** Seconds to wait, or 0 when the call is let through. */
  take(method: string, channel: string): number;
  /** What was refused. */
  refused: string[];
}

export function createRates(now: () => number): Rates {
  const calls = new Map<string, number[]>();
  const refused: string[] = [];
  /** A refused call counts for nothing. */
  const wait = (key: string, count: number, per: number) => {
    const recent = (calls.get(key) ?? []).filter(at => at > now() - per);
    calls.set(key, recent);
    return recent.length < count
      ? 0
      : Math.max(1, Math.ceil(((recent[recent.length - count] ?? 0) + per - now()) / 1000));
  };
  return {
    refused,
    take(method, channel) {
      const tier = tiers[method];
      const rules =
        method === 'chat.postMessage'
          ? posts.map(rule => ({ key: rule.key(channel), count: rule.count, per: rule.per }))
          : tier === undefined
            ? []
            : [{ key: method, count: tier, per: 60_000 }];
      const seconds = Math.max(0, ...rules.map(rule => wait(rule.key, rule.count, rule.per)));
      if (seconds > 0) refused.push(`${method} ${channel}`);
      else for (const { key } of rules) calls.get(key)?.push(now());
      return seconds;
    },
  };
}
