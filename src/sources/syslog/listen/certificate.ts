import { readFile } from 'node:fs/promises';
import type { TlsListener } from '../options.ts';

export interface Identity {
  cert: string;
  key: string;
  /** Who signs the certificates of senders; null when they need none. */
  ca: string | null;
}

/** The certificates and the key, each as text or from its file. Rejects when a file cannot be read. */
export async function loadIdentity({ cert, key, clientCa }: TlsListener): Promise<Identity> {
  const [ownCert, ownKey, ca] = await Promise.all([
    readPem(cert),
    readPem(key),
    clientCa === undefined ? null : readPem(clientCa),
  ]);
  return { cert: ownCert, key: ownKey, ca };
}

/** True for the text itself, as it comes from a variable of the environment. */
export function isPem(given: string): boolean {
  return given.includes('-----BEGIN ');
}

async function readPem(given: string): Promise<string> {
  return isPem(given) ? given : await readFile(given, 'utf8');
}
