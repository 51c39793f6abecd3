import { sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signedText } from '../../src/sources/sns/envelope.ts';
import { type Certificate, makeCertificate } from '../kernel/egress/certificate.ts';

export const topic = 'arn:aws:sns:eu-west-1:123456789012:alarms';
export const certificateAddress = 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c.pem';

/** What the double does with requests, instead of answering as SNS does. */
export type Mood = 'well' | 'down' | 'redirects' | 500 | 403 | 407;

/**
 * SNS, as far as a subscriber sees it: it signs messages, serves the certificate, and confirms subscriptions by token. Its `fetch` is for the
 * app: it knows the hosts of SNS alone, and refuses requests that are not https, have no time limit or would follow a redirect.
 */
export interface SnsDouble {
  fetch: typeof fetch;
  /** The certificate and its key. */
  signer: Certificate;
  /** Host and path of each request that arrived. */
  requests: string[];
  /** Tokens that were confirmed. */
  confirmed: string[];
  mood: Mood;
  /**
   * Posts to a subscriber whose address has a user and password: without them first, and again with them when the answer asks for Basic and
   * names a realm. Source: terraform-provider-aws, acceptance test of topic subscriptions with a password.
   */
  post(address: string, body: string, headers?: Record<string, string>): Promise<Response[]>;
  /** A message with its signature, as the body of a delivery. */
  message(facts?: Record<string, unknown>, signer?: { key: string }): string;
  close(): Promise<void>;
}

export const token = '2336412f37fb687f5d51e6e2425dacbba6c1';

export async function startSnsDouble(now: () => number): Promise<SnsDouble> {
  const signer = makeCertificate('sns.amazonaws.com', { rsa: 2048 });
  let ids = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', `https://${request.headers['x-host']}`);
    double.requests.push(`${url.host}${url.pathname}`);
    if (double.mood === 'down') return void request.socket.destroy();
    if (double.mood === 'redirects') return void response.writeHead(302, { location: 'http://127.0.0.1/' }).end();
    if (double.mood !== 'well') return void response.writeHead(double.mood).end('<ErrorResponse/>');
    if (url.href === certificateAddress) return void response.end(signer.cert);
    const query = Object.fromEntries(url.searchParams);
    if (url.pathname !== '/' || query['Action'] !== 'ConfirmSubscription') return void response.writeHead(404).end();
    if (query['TopicArn'] !== topic || query['Token'] !== token) return void response.writeHead(400).end();
    double.confirmed.push(token);
    response.end('<ConfirmSubscriptionResponse/>');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const double: SnsDouble = {
    async fetch(input, init) {
      const url = new URL(String(input));
      if (url.protocol !== 'https:' || !/^sns\.[a-z0-9-]+\.amazonaws\.com$/.test(url.host))
        throw new Error(`asked ${url}`);
      if (init?.redirect !== 'error' || init.signal == null) throw new Error('it may redirect, or take for ever');
      const headers = { 'x-host': url.host, connection: 'close' };
      return await fetch(`http://127.0.0.1:${port}${url.pathname}${url.search}`, { ...init, headers });
    },
    signer,
    requests: [],
    confirmed: [],
    mood: 'well',
    async post(address, body, more = {}) {
      const url = new URL(address);
      const credentials = Buffer.from(`${url.username}:${url.password}`).toString('base64');
      url.username = url.password = '';
      const headers = { 'content-type': 'text/plain; charset=UTF-8', ...more };
      const first = await fetch(url, { method: 'POST', headers, body });
      const asked = first.headers.get('www-authenticate') ?? '';
      if (first.status !== 401 || !/^Basic realm="[^"]+"/.test(asked)) return [first];
      const authorization = `Basic ${credentials}`;
      return [first, await fetch(url, { method: 'POST', headers: { ...headers, authorization }, body })];
    },
    message(facts = {}, by = signer) {
      const given = {
        Type: 'Notification',
        MessageId: `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
        TopicArn: topic,
        Message: 'A text',
        Timestamp: new Date(now()).toISOString(),
        SignatureVersion: '2',
        SigningCertURL: certificateAddress,
        ...facts,
      };
      const confirms = given.Type === 'Notification' ? {} : confirmation(given.TopicArn);
      const whole = { Signature: '', ...confirms, ...given };
      const digest = given.SignatureVersion === '1' ? 'sha1' : 'sha256';
      const signature = sign(digest, Buffer.from(signedText(whole as never)), by.key).toString('base64');
      return JSON.stringify({ ...whole, Signature: signature });
    },
    async close() {
      await new Promise(resolve => server.close(resolve));
    },
  };
  return double;
}

function confirmation(arn: string): object {
  const query = `Action=ConfirmSubscription&TopicArn=${arn}&Token=${token}`;
  return { Token: token, SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?${query}` };
}
