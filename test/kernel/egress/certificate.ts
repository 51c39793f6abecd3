import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A certificate for one host that its own key signed, and that key, both as PEM; valid from 2020 to 2099 (RFC 5280). */
export function makeCertificate(host: string): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const body = bodyOf(host, publicKey);
  const signed = item(0x30, body, ed25519, item(0x03, [0], sign(null, body, privateKey)));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
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
const commonName = [0x55, 0x04, 0x03];
const subjectAltName = [0x55, 0x1d, 0x11];

function bodyOf(host: string, publicKey: KeyObject): Buffer {
  const text = Buffer.from(host);
  const name = item(0x30, item(0x31, item(0x30, item(0x06, commonName), item(0x0c, text))));
  const time = (year: number) => item(0x18, Buffer.from(`${year}0101000000Z`));
  const names = item(0x30, item(0x06, subjectAltName), item(0x04, item(0x30, item(0x82, text))));
  return item(
    0x30,
    item(0xa0, item(0x02, [2])),
    item(0x02, [1]),
    ed25519,
    name,
    item(0x30, time(2020), time(2099)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    item(0xa3, item(0x30, names)),
  );
}
