import { createHash, type KeyObject, sign } from 'node:crypto';
import { bits, type Der, explicit, implicit, integer, octets, oid, sequence, setOf, time, utf8, yes } from './der.ts';

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

export function spkiOf({ publicKey }: Pick<KeyPair, 'publicKey'>): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

export function sha256Of(...bytes: Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const one of bytes) hash.update(one);
  return hash.digest();
}

export const signWith = (key: KeyPair, bytes: Uint8Array) => sign('sha256', bytes, key.privateKey);

export function nameOf(text: string): Der {
  return sequence(setOf(sequence(oid('2.5.4.3'), utf8(text))));
}

export function extension(id: string, value: Uint8Array, critical = false): Der {
  return critical ? sequence(oid(id), yes, octets(value)) : sequence(oid(id), octets(value));
}

export interface CertificateFacts {
  serial: number;
  subject: Der;
  issuer: Der;
  from: number;
  until: number;
  key: Pick<KeyPair, 'publicKey'>;
  extensions: readonly Der[];
}

/** TBSCertificate (RFC 5280, 4.1). */
export function unsigned({ serial, subject, issuer, from, until, key, extensions }: CertificateFacts): Der {
  return sequence(
    explicit(0, integer(2)),
    integer(serial),
    ecdsaWithSha256,
    issuer,
    sequence(time(from), time(until)),
    subject,
    spkiOf(key),
    explicit(3, sequence(...extensions)),
  );
}

export function signed(tbs: Der, by: KeyPair): Der {
  return sequence(tbs, ecdsaWithSha256, bits(signWith(by, tbs)));
}

/** What says that a key is an authority's, or not. */
export const uses = {
  authority: [extension('2.5.29.19', sequence(yes), true), extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true)],
  signature: extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
  code: extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.3'))),
  time: extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.8')), true),
};

export const subjectKey = (key: Pick<KeyPair, 'publicKey'>) =>
  extension('2.5.29.14', octets(sha256Of(spkiOf(key)).subarray(0, 20)));
export const authorityKey = (key: Pick<KeyPair, 'publicKey'>) =>
  extension('2.5.29.35', sequence(implicit(0, sha256Of(spkiOf(key)).subarray(0, 20))));
export const alternativeUri = (uri: string) =>
  extension('2.5.29.17', sequence(implicit(6, Buffer.from(uri, 'latin1'))), true);

/** A signed certificate time stamp of a log, as an extension (RFC 6962, 3.2 and 3.3). */
export function logStamp(tbs: Der, facts: { issuer: Pick<KeyPair, 'publicKey'>; log: KeyPair; at: number }): Der {
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(facts.at));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(tbs.length);
  const entry = Buffer.concat([
    Buffer.from([0, 0]),
    at,
    Buffer.from([0, 1]),
    sha256Of(spkiOf(facts.issuer)),
    length.subarray(1),
    tbs,
    Buffer.from([0, 0]),
  ]);
  const signature = signWith(facts.log, entry);
  const stamp = Buffer.concat([
    Buffer.from([0]),
    sha256Of(spkiOf(facts.log)),
    at,
    Buffer.from([0, 0, 4, 3]),
    uint16(signature.length),
    signature,
  ]);
  const list = Buffer.concat([uint16(stamp.length), stamp]);
  return extension('1.3.6.1.4.1.11129.2.4.2', octets(Buffer.concat([uint16(list.length), list])));
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
