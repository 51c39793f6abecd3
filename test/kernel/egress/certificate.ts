import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface Certificate {
  /** Both as PEM. */
  cert: string;
  key: string;
}

interface Wish {
  /** A key of RSA with so many bits; Ed25519 when left out. */
  rsa?: number;
  /** The first and the last year; 2020 to 2099 when left out. */
  years?: readonly [number, number];
  /** Who signs it; its own key when left out. */
  issuer?: Certificate & { name: string };
  /** May sign others. */
  ca?: boolean;
}

/** A certificate for one host or name, and its key (RFC 5280). */
export function makeCertificate(name: string, wish: Wish = {}): Certificate {
  const own =
    wish.rsa === undefined ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: wish.rsa });
  const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signer = createPrivateKey(wish.issuer?.key ?? key);
  const isRsa = signer.asymmetricKeyType === 'rsa';
  const body = bodyOf(
    { ...wish, name, by: wish.issuer?.name ?? name, algorithm: isRsa ? rsa : ed25519 },
    own.publicKey,
  );
  const signature = sign(isRsa ? 'sha256' : null, body, signer);
  const signed = item(0x30, body, isRsa ? rsa : ed25519, item(0x03, [0], signature));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return { cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'), key };
}

type Bytes = Uint8Array | readonly number[];

/** One element of DER: tag, length, content. */
function item(tag: number, ...content: Bytes[]): Buffer {
  const bytes = Buffer.concat(content.map(one => Buffer.from(one)));
  const { length } = bytes;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), bytes]);
}

const ed25519 = item(0x30, item(0x06, [0x2b, 0x65, 0x70]));
/** With SHA-256. */
const rsa = item(0x30, item(0x06, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]), item(0x05));
const commonName = [0x55, 0x04, 0x03];
const subjectAltName = [0x55, 0x1d, 0x11];
const basicConstraints = [0x55, 0x1d, 0x13];

function nameOf(text: string): Buffer {
  return item(0x30, item(0x31, item(0x30, item(0x06, commonName), item(0x0c, Buffer.from(text)))));
}

function bodyOf(wish: Wish & { name: string; by: string; algorithm: Buffer }, publicKey: KeyObject): Buffer {
  const [from, to] = wish.years ?? [2020, 2099];
  const time = (year: number) => item(0x18, Buffer.from(`${year}0101000000Z`));
  const names = item(0x30, item(0x06, subjectAltName), item(0x04, item(0x30, item(0x82, Buffer.from(wish.name)))));
  const authority = item(
    0x30,
    item(0x06, basicConstraints),
    item(0x01, [255]),
    item(0x04, item(0x30, item(0x01, [255]))),
  );
  return item(
    0x30,
    item(0xa0, item(0x02, [2])),
    item(0x02, [1]),
    wish.algorithm,
    nameOf(wish.by),
    item(0x30, time(from), time(to)),
    nameOf(wish.name),
    publicKey.export({ type: 'spki', format: 'der' }),
    item(0xa3, item(0x30, ...(wish.ca === true ? [authority] : []), names)),
  );
}
