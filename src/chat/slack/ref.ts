/** A message in Slack: `C0123ABC/1795604405.000200`. */
export interface Ref {
  channel: string;
  ts: string;
}

export function showRef({ channel, ts }: Ref): string {
  return `${channel}/${ts}`;
}

export function parseRef(ref: string): Ref | null {
  const [channel, ts, more] = ref.split('/');
  return channel && ts && more === undefined ? { channel, ts } : null;
}
