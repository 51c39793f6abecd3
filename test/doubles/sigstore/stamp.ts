import { type KeyPair, sha256Of, signWith } from './certificate.ts';
import { type Der, explicit, integer, nothing, octets, oid, sequence, setOf, time } from './der.ts';

const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'), nothing);
const tstInfo = oid('1.2.840.113549.1.9.16.1.4');

/** A time stamp of an authority over these bytes (RFC 3161, 2.4.2; the token is CMS, RFC 5652). */
export function timeStamp(bytes: Uint8Array, of: { key: KeyPair; issuer: Der; serial: number; at: number }): Buffer {
  const info = sequence(
    integer(1),
    oid('1.3.6.1.4.1.57264.2'),
    sequence(sha256, octets(sha256Of(bytes))),
    integer(7),
    time(of.at),
  );
  const attributes = [
    sequence(oid('1.2.840.113549.1.9.3'), setOf(tstInfo)),
    sequence(oid('1.2.840.113549.1.9.4'), setOf(octets(sha256Of(info)))),
  ];
  const signer = sequence(
    integer(1),
    sequence(of.issuer, integer(of.serial)),
    sha256,
    explicit(0, ...attributes),
    sequence(oid('1.2.840.10045.4.3.2')),
    octets(signWith(of.key, setOf(...attributes))),
  );
  const data = sequence(integer(3), setOf(sha256), sequence(tstInfo, explicit(0, octets(info))), setOf(signer));
  return sequence(sequence(integer(0)), sequence(oid('1.2.840.113549.1.7.2'), explicit(0, data)));
}
