import { type KeyObject, X509Certificate } from 'node:crypto';

/**
 * The common names that SNS signs with: `sns.amazonaws.com`, and by region `sns-signing.<region>.`, `sns-us-gov-west-1.`, `sns-cn-north-1.`.
 * Source: aws-sdk-java SnsMessageManager (CommonNameTestCase).
 */
const commonName = /^CN=sns(-[a-z0-9-]+|\.[a-z0-9-]+|-signing\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$/m;
/** The most certificates that are read of one text. */
const longestChain = 5;

/**
 * The public key of the first certificate in a text, when it is one of SNS, valid at this time (milliseconds), and of RSA with 2048 bits or
 * more; null otherwise. Certificates behind it must each have issued the one before. SNS usually sends no others, and then what proves the
 * certificate is that it came by https from a host of SNS.
 */
export function signerIn(text: string, at: number): KeyObject | null {
  try {
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const chain = blocks.slice(0, longestChain).map(block => new X509Certificate(block));
    const [leaf] = chain;
    if (leaf === undefined || blocks.length > longestChain || !commonName.test(leaf.subject)) return null;
    const holds =
      chain.every(one => isValidAt(one, at)) && chain.every((one, index) => isIssued(one, chain[index + 1]));
    return holds && isStrong(leaf.publicKey) ? leaf.publicKey : null;
  } catch {
    return null;
  }
}

function isValidAt(one: X509Certificate, at: number): boolean {
  return one.validFromDate.getTime() <= at && at <= one.validToDate.getTime();
}

function isIssued(one: X509Certificate, by: X509Certificate | undefined): boolean {
  return by === undefined || (by.ca && one.checkIssued(by) && one.verify(by.publicKey));
}

function isStrong({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
}
