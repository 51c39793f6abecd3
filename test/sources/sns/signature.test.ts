import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery } from '../../../src/ports/source.ts';
import source from '../../../src/sources/sns/index.ts';
import { certificateAddress, type SnsDouble, startSnsDouble, topic } from '../../doubles/sns.ts';
import { makeCertificate } from '../../kernel/egress/certificate.ts';
import { delivery, now, payload, take, vectors } from '../helpers.ts';

let sns: SnsDouble;
beforeAll(async () => {
  sns = await startSnsDouble(() => now);
});
afterAll(() => sns.close());

const verify = (given: Delivery, more: object = {}) =>
  source.verify(given, source.options.parse({ topics: [topic], ...more }));
/** As it arrives, with the certificate that was fetched. */
const arrived = (body: string | Buffer, key: string | null = sns.signer.cert, headers = {}) => ({
  ...delivery(body, headers),
  key,
});

describe('the vectors of messages', () => {
  const certificate = payload('aws-sns/test-signing-cert.pem').toString();
  const files = vectors('aws-sns').flatMap(({ file, headers }) =>
    file === undefined ? [] : [[file, headers] as const],
  );

  test('there are four', () => expect(files).toHaveLength(4));

  test.each(files)('%s is taken, and no other than it', (file, headers) => {
    const body = payload(file);
    expect(verify(arrived(body, certificate, headers))).toEqual({ ok: true, by: 'signature' });
    expect(verify(arrived(body, sns.signer.cert, headers)).ok).toBe(false);
    const changed = body.toString().replace('"MessageId": "', '"MessageId": "0');
    expect(verify(arrived(changed, certificate, headers)).ok).toBe(false);
    expect(verify(arrived(body, certificate), { topics: [`${topic}-other`] }).ok).toBe(false);
  });

  test('its header is not what is signed: another message type or id there changes nothing', () => {
    const headers = { 'x-amz-sns-message-type': 'SubscriptionConfirmation', 'x-amz-sns-message-id': 'x' };
    const body = payload('aws-sns/notification-cloudwatch-alarm.json');
    const given = arrived(body, certificate, headers);
    expect(verify(given).ok).toBe(true);
    expect(take(source, given, { topics: [topic] }).deliveryId).toBe('22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324');
  });
});

describe('the address of the certificate', () => {
  const asked = (SigningCertURL: unknown) =>
    source.keyAt?.(arrived(sns.message({ SigningCertURL })), source.options.parse({ topics: [topic] }));
  const refused = vectors('aws-sns').flatMap(one => (one as { signingCertUrl?: string }).signingCertUrl ?? []);

  test('there are nine vectors', () => expect(refused).toHaveLength(9));

  test.each([
    ...refused,
    'https://sns.eu-west-1.amazonaws.com/x.pem#',
    'https://sns.eu-west-1.amazonaws.com/x.pem?',
    'https://sns.eu-west-1.amazonaws.com/a/../x.pem',
    'https://sns.eu-west-1.amazonaws.com/%2e%2e/x.pem',
    'https://sns.eu-west-1.amazonaws.com/x.PEM',
    'https://SNS.eu-west-1.amazonaws.com/x.pem',
    'https://sns.eu-west-1.amazonaws.com.evil.example/x.pem',
    'https://sns.eu-west-1.amazonaws.com.cn.evil.example/x.pem',
    'https://xsns.eu-west-1.amazonaws.com/x.pem',
    'https://sns.e.amazonaws.com/x.pem',
    'https://sns.s3-us-west-2.amazonaws.com/x.pem',
    'https://sns.s3-accelerate.amazonaws.com/x.pem',
    'https://sns.us-west-2.amazonaws.com/x.pem',
    'https://sns.eu-west-1.amazonaws.com.cn/x.pem',
    'https://sns.eu.west.amazonaws.com/x.pem',
    'https://sns.eu-west-1.amazonaws.com:443/x.pem',
    ' https://sns.eu-west-1.amazonaws.com/x.pem',
    'https://sns.eu-west-1.amazonaws.com/x.pem\n',
    'https:/sns.eu-west-1.amazonaws.com/x.pem',
    '//sns.eu-west-1.amazonaws.com/x.pem',
    '',
  ])('%j is not asked, and what names it is refused', address => {
    expect(asked(address)).toBeNull();
    expect(verify(arrived(sns.message({ SigningCertURL: address }))).ok).toBe(false);
  });

  test.each([
    ['arn:aws-cn:sns:cn-north-1:123456789012:alarms', 'https://sns.cn-north-1.amazonaws.com.cn/a-b_0.pem'],
    ['arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms', 'https://sns.us-gov-west-1.amazonaws.com/x/y.pem'],
  ])('for %s %s is asked', (TopicArn, address) => {
    const given = arrived(sns.message({ TopicArn, SigningCertURL: address }));
    expect(source.keyAt?.(given, source.options.parse({ topics: [topic, TopicArn] }))).toBe(address);
    expect(verify(given, { topics: [topic, TopicArn] }).ok).toBe(true);
  });

  test('nothing is asked for a topic that does not lead here, a raw message, or what is no message', () => {
    const options = source.options.parse({ topics: [topic] });
    const keyAt = (given: Delivery) => source.keyAt?.(given, options);
    expect(keyAt(delivery(sns.message({ TopicArn: `${topic}2` })))).toBeNull();
    expect(keyAt(delivery(sns.message(), { 'x-amz-sns-rawdelivery': 'true' }))).toBeNull();
    for (const body of ['', '{}', '[]', 'text', JSON.stringify({ SigningCertURL: certificateAddress })])
      expect(keyAt(delivery(body))).toBeNull();
  });
});

describe('the certificate', () => {
  const signedBy = (name: string, wish: Parameters<typeof makeCertificate>[1], chain = '') => {
    const made = makeCertificate(name, wish);
    return verify(arrived(sns.message({}, made), made.cert + chain)).ok;
  };
  const issuer = { ...makeCertificate('Issuer', { rsa: 2048, ca: true }), name: 'Issuer' };

  test.each([
    'sns.amazonaws.com',
    'sns-signing.eu-south-1.amazonaws.com',
    'sns-us-gov-west-1.amazonaws.com',
    'sns-cn-north-1.amazonaws.com.cn',
  ])('of %s counts', name => {
    expect(signedBy(name, { rsa: 2048 })).toBe(true);
  });

  test.each([
    ['another host', 'evil.example', { rsa: 2048 }],
    ['a host that begins alike', 'sns.amazonaws.com.evil.example', { rsa: 2048 }],
    ['another service', 's3.amazonaws.com', { rsa: 2048 }],
    ['a short key', 'sns.amazonaws.com', { rsa: 1024 }],
    ['a time that is over', 'sns.amazonaws.com', { rsa: 2048, years: [2020, 2026] as const }],
    ['a time to come', 'sns.amazonaws.com', { rsa: 2048, years: [2027, 2030] as const }],
  ])('of %s does not', (_what, name, wish) => {
    expect(signedBy(name, wish)).toBe(false);
  });

  test('with the ones that issued it counts while each holds', () => {
    const other = makeCertificate('Issuer', { rsa: 2048, ca: true });
    const plain = makeCertificate('Issuer', { rsa: 2048 });
    expect(signedBy('sns.amazonaws.com', { rsa: 2048, issuer }, issuer.cert)).toBe(true);
    expect(signedBy('sns.amazonaws.com', { rsa: 2048, issuer }, other.cert)).toBe(false);
    expect(signedBy('sns.amazonaws.com', { rsa: 2048, issuer: { ...plain, name: 'Issuer' } }, plain.cert)).toBe(false);
    expect(signedBy('sns.amazonaws.com', { rsa: 2048, issuer }, issuer.cert.repeat(8))).toBe(false);
  });

  test('of a key of another kind does not, and neither does what is none', () => {
    for (const key of [
      null,
      '',
      'text',
      makeCertificate('sns.amazonaws.com').cert,
      sns.signer.key,
      sns.signer.cert.slice(0, 400),
    ])
      expect(verify(arrived(sns.message(), key)).ok).toBe(false);
  });
});

test('what is signed can be read in one way only: no member takes in the lines of the next one', () => {
  const given = JSON.parse(sns.message({ Subject: 'ALARM' }));
  const { MessageId, Subject, Message, ...rest } = given;
  const moved = { ...rest, Message, MessageId: `${MessageId}\nSubject\n${Subject}` };
  expect(verify(arrived(JSON.stringify(given))).ok).toBe(true);
  expect(verify(arrived(JSON.stringify(moved))).ok).toBe(false);
  const twice = JSON.parse(sns.message({ Message: 'A\nMessageId\ntext' }));
  const cut = { ...twice, Message: 'A', MessageId: `text\nMessageId\n${twice.MessageId}` };
  expect(verify(arrived(JSON.stringify(twice))).ok).toBe(true);
  expect(verify(arrived(JSON.stringify(cut))).ok).toBe(false);
});

test('a subject that is not signed is not shown', () => {
  const old = sns.message({ Type: 'SubscriptionConfirmation', Timestamp: new Date(now - 86_400_000).toISOString() });
  const given = arrived(JSON.stringify({ ...JSON.parse(old), Subject: 'Call this number' }));
  expect(verify(given).ok).toBe(true);
  const { events } = take(source, given, { topics: [topic] });
  expect(events).toMatchObject([{ type: 'too-old' }]);
  expect(JSON.stringify(events)).not.toContain('Call');
});

describe('version 1, which signs SHA-1', () => {
  const weak = { SignatureVersion: '1', Subject: 'ALARM: "a"' };

  test('proves nothing, and is told with the command that sets version 2', () => {
    const given = arrived(sns.message(weak));
    expect(verify(given)).toEqual({ ok: true, by: 'none' });
    const { events } = take(source, given, { topics: [topic] });
    expect(events).toMatchObject([
      {
        kind: 'notice',
        type: 'weak-signature',
        labels: { remedy: expect.stringContaining('--attribute-name SignatureVersion --attribute-value 2') },
      },
    ]);
  });

  test('is refused when it is not genuine, and cannot be had by naming another version', () => {
    expect(verify(arrived(sns.message(weak, makeCertificate('sns.amazonaws.com', { rsa: 2048 })))).ok).toBe(false);
    for (const version of ['2', '3', '', 1, null]) {
      const body = JSON.stringify({ ...JSON.parse(sns.message(weak)), SignatureVersion: version });
      expect(verify(arrived(body), { sha1: true }).ok).toBe(false);
    }
  });

  test('confirms no subscription', () => {
    const body = sns.message({ ...weak, Type: 'SubscriptionConfirmation' });
    expect(take(source, arrived(body), { topics: [topic], confirm: true }).events).toMatchObject([
      { type: 'weak-signature' },
    ]);
  });

  test('counts with sha1, which is warned of', () => {
    expect(verify(arrived(sns.message(weak)), { sha1: true })).toEqual({ ok: true, by: 'signature' });
    const warned = (more: object) => source.warnings?.(source.options.parse({ topics: [topic], ...more }));
    expect(warned({})).toEqual([]);
    expect(warned({ sha1: true })).toMatchObject([{ at: ['sha1'] }]);
  });
});

describe('the password', () => {
  const basic = { user: 'sns', password: ['one', 'two'] };
  const as = (user: string) => ({ authorization: `Basic ${Buffer.from(user).toString('base64')}` });
  const raw = { 'x-amz-sns-rawdelivery': 'true', 'x-amz-sns-topic-arn': topic };

  test('is asked of signed messages too, beside their signature', () => {
    const body = sns.message();
    expect(verify(arrived(body, sns.signer.cert, as('sns:two')), { basic })).toEqual({ ok: true, by: 'signature' });
    expect(verify(arrived(body), { basic }).ok).toBe(false);
    expect(verify(arrived(body, sns.signer.cert, as('sns:three')), { basic }).ok).toBe(false);
    expect(verify(arrived(body, null, as('sns:one')), { basic }).ok).toBe(false);
  });

  test('is the only proof of a raw message, which is refused without', () => {
    expect(verify(delivery('text', raw)).ok).toBe(false);
    expect(verify(delivery('text', { ...raw, ...as('sns:one') })).ok).toBe(false);
    expect(verify(delivery('text', { ...raw, ...as('sns:one') }), { basic })).toEqual({ ok: true, by: 'basic' });
    expect(verify(delivery(sns.message(), { ...raw, 'x-amz-sns-rawdelivery': 'TRUE ' })).ok).toBe(false);
  });

  test('does not make another topic or another body a message, and says so', () => {
    const given = { topics: [topic], basic };
    const other = delivery('text', { ...raw, ...as('sns:one'), 'x-amz-sns-topic-arn': `${topic}2` });
    expect(() => take(source, other, given)).toThrow(
      expect.objectContaining({ code: 'bad-body', at: 'x-amz-sns-topic-arn' }),
    );
    const text = delivery('{"a":1}', as('sns:one'));
    expect(source.verify(text, source.options.parse(given))).toEqual({ ok: true, by: 'basic' });
    expect(() => take(source, text, given)).toThrow(expect.objectContaining({ code: 'bad-body', at: 'Type' }));
  });
});

test('topics must be named, and must be topics', () => {
  const parses = (topics: unknown) => source.options.safeParse({ topics }).success;
  expect(parses([topic, 'arn:aws-cn:sns:cn-north-1:123456789012:a-b_0'])).toBe(true);
  for (const other of [
    undefined,
    [],
    ['*'],
    [`${topic}:*`],
    ['arn:aws:sqs:eu-west-1:123456789012:alarms'],
    [`${topic} `],
  ])
    expect(parses(other)).toBe(false);
});
