import { linkOf, plainText } from '../../model/incoming.ts';

/** The parts of an Amazon Resource Name. Source: AWS General Reference, Amazon Resource Names. */
export interface Arn {
  partition: string;
  service: string;
  region: string;
  account: string;
  /** May have colons and slashes. */
  resource: string;
}

/** Null for any other text. */
export function arnOf(text: string | null | undefined): Arn | null {
  const found = /^arn:(aws[a-z-]{0,20}):([a-z0-9.-]{1,60}):([a-z0-9-]{0,40}):(\d{12}|):(.{1,1900})$/s.exec(text ?? '');
  if (found === null) return null;
  const [, partition = '', service = '', region = '', account = '', resource = ''] = found;
  return { partition, service, region, account, resource };
}

/** The first part of an ARN's resource behind slashes and colons: `cluster/main/web` is `web`. */
export function lastOf(text: string): string {
  return text.split(/[/:]/).at(-1) ?? text;
}

/**
 * A link to a page of the console, or none for a region that is not one, or a partition whose console is not known. `path` begins with the
 * service: `cloudwatch/home`. Source: AWS documentation, the address bar of the consoles of the partitions aws, aws-cn and aws-us-gov.
 */
export function consoleLink(region: string | null, path: string, fragment?: string): { label: string; url: string }[] {
  if (region === null || !/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(region)) return [];
  const host = hostOf(region);
  const page = `https://${host}/${path}?region=${region}`;
  return host === null ? [] : linkOf('Console', fragment === undefined ? page : `${page}#${fragment}`);
}

function hostOf(region: string): string | null {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn';
  if (region.startsWith('us-gov-')) return 'console.amazonaws-us-gov.com';
  if (/^(us-iso|eu-iso|eusc)/.test(region)) return null;
  return `${region}.console.aws.amazon.com`;
}

/** The members of a map that are texts, numbers or truth values, as texts; those without any are left out. */
export function textsOf(given: Readonly<Record<string, unknown>>): Record<string, string> {
  const out: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    const text = plainText(value);
    // The schemas of what is stored do not carry this name.
    if (text !== null && text !== '' && name !== '__proto__') out[name] = text;
  }
  return out;
}
