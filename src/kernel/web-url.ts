/** The address that may become a link: http or https, without credentials; null for any other text. */
export function webUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const bare = url.username === '' && url.password === '';
  return bare && (url.protocol === 'https:' || url.protocol === 'http:') ? url : null;
}

/** True when the address leads to this machine by its text alone: localhost, 127.0.0.0/8, ::1. */
export function isLoopbackUrl(text: string): boolean {
  const name = URL.parse(text)?.hostname ?? '';
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
