/** The description of each function in the reference. */
export const functionNotes: Record<string, string> = {
  re: 'True when the pattern (RE2 syntax, linear time) matches any part of the text: re(labels.instance, "^web-[0-9]+").',
  inWindow:
    'True when the instant is in the time window of the zone: inWindow(now, "Fri 16:00 - Mon 08:00", "Europe/London").',
  hostOf: 'The host of an address with or without a port or a scheme: hostOf("web-1:9100") is "web-1".',
};

/** "web-1:9100", "[::1]:9100", "::1" and "https://web-1:9100/metrics" without scheme, account, port and path. */
export function hostOf(address: string): string {
  const afterScheme = address.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const authority = afterScheme.split(/[/?#]/, 1)[0] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']') < 0 ? undefined : host.indexOf(']'));
  const colon = host.indexOf(':');
  if (colon < 0 || host.indexOf(':', colon + 1) >= 0) return host;
  return host.slice(0, colon);
}
