import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';

/**
 * What answers are proven with, by question: sealed with AES-256-GCM, and never in the journal. A key of the data folder opens it; in a fleet
 * the key lies in the same database, and the seal protects nothing from those who may read that.
 */
export interface Vault {
  keep(gate: string, secret: string): Promise<void>;
  /** Null when there is none, or another key sealed it. */
  read(gate: string): Promise<string | null>;
  forget(gate: string): Promise<void>;
}

const nonceBytes = 12;
const tagBytes = 16;

export function createVault(key: string, { store, feed }: { store: Store; feed: Pick<Feed, 'commit'> }): Vault {
  const own = Buffer.from(hkdfSync('sha256', key, '', 'tocsin secrets of doors', 32));
  const nameOf = (gate: string) => `door-secret/${gate}`;
  const write = async (gate: string, value: string) => {
    await feed.commit({ rows: [{ table: 'memo', name: nameOf(gate), value }] });
  };
  return {
    async keep(gate, secret) {
      const nonce = randomBytes(nonceBytes);
      // The question is part of what is sealed, so that one secret cannot stand under another question.
      const cipher = createCipheriv('aes-256-gcm', own, nonce).setAAD(Buffer.from(gate));
      const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final()]);
      await write(gate, Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64'));
    },
    async read(gate) {
      const bytes = Buffer.from((await store.memo(nameOf(gate))) ?? '', 'base64');
      if (bytes.length < nonceBytes + tagBytes) return null;
      const decipher = createDecipheriv('aes-256-gcm', own, bytes.subarray(0, nonceBytes)).setAAD(Buffer.from(gate));
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      try {
        const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8');
        return text + decipher.final('utf8');
      } catch {
        return null;
      }
    },
    async forget(gate) {
      if ((await store.memo(nameOf(gate))) ?? '') await write(gate, '');
    },
  };
}
