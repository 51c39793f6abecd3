import { isIPv6 } from 'node:net';

/** A place that the arguments do not show for certain. Nothing of them is shown then: it may be a part of a password. */
export const unknownPlace = 'a place that is not known';

/** The name of a host, container or pod, or an address with or without a port; else `unknownPlace`. */
export function placeOf(text: string): string {
  const isName = text.length <= 253 && /^[A-Za-z0-9_][A-Za-z0-9._-]*(?::\d{1,5})?$/.test(text);
  return isName || (isIPv6(text) && !text.includes('%')) ? text : unknownPlace;
}

/**
 * The hosts of the address of a database or of ssh (`scheme://user:password@host:port,host/…`), without their ports; null when they are
 * not certain, because a mark in the password may have been taken for the end of it.
 */
export function hostsOfUri(uri: string): string[] | null {
  const [, rest = ''] = /^[a-z][a-z0-9+.-]*:\/\/(.*)$/is.exec(uri) ?? [];
  const [before = '', after, ...more] = rest.split('@');
  // libpq takes the first @ before a slash for the end of the password, also after a question mark.
  if (more.length > 0 || (after !== undefined && /\/|[?&][a-z_]+=/i.test(before))) return null;
  const authority = (after ?? before).split(/[/?]/)[0] ?? '';
  const hosts = authority.split(',').map(host => /^(?:\[(.*)\]|([^[\]:]*))(?::(\d*))?$/.exec(host));
  return hosts.every(host => host !== null) ? hosts.map(([, address, name]) => address ?? name ?? '') : null;
}
