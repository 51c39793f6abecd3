import type { SourceExample } from '../../ports/source.ts';

/** A certificate for these examples. Its key signed the messages below. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIC5DCCAcygAwIBAgIBATANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFzbnMu
YW1hem9uYXdzLmNvbTAgFw0yNjAxMDEwMDAwMDBaGA8yMDU2MDEwMTAwMDAwMFow
HDEaMBgGA1UEAwwRc25zLmFtYXpvbmF3cy5jb20wggEiMA0GCSqGSIb3DQEBAQUA
A4IBDwAwggEKAoIBAQCzsu5W+nNNxtBglUdK/c2C1E3N1/pSVvH799cel59i5fUk
PSh5PowBCp7HQVrGh1tQyBB5ZrOJsFY2obLF/Tkwmn3lU5KY/JOUh+5l1dczWzbv
uv1n3zhFWBvqBs/zdEa0apxwFImgdrkxEeQrOYE6J+lsml3LhZ91kqIJxDONzKqL
qyalILv6TJ8BxcDl2dTko42yyOTavGPuLUWdVan7fgVq0S+QUmh7dhOmIdcUBCfF
UsDD47UUqvAgJ7GIfHQ2QDSeIJbL8baB8g1cJzBdxqFtQEUASRX7pEkzVe7W0W4D
qZ8RF264UT3YuoDrjmRL9ub0npiaE4WOON1RQBVDAgMBAAGjLzAtMAwGA1UdEwEB
/wQCMAAwHQYDVR0OBBYEFKGQ5XuROyrmzM8XaV5l+TCshsJ/MA0GCSqGSIb3DQEB
CwUAA4IBAQBFD25rhnhtodF5Z9xlVKBhI/Ti7lY8F7uSny5LWq+6RVZWXnwiJXaQ
tV/vqJaIvuwpbdr2ve7a1JK1bxrTBQNlIPptkr76bgc74RRzhYY8mpx+4Pzj/5nB
25FwiyeAGFdG6jVooUe+SzNrg4Ps3Uop66bo8je3m8h0qOT3WqdqSKNeH97IbUUS
ngp3weQrBwi3qX7wdnMKB/a1dUK8gYHB8Vk8ySWJm6Pf721InKbi8XW7rrD0wqzP
AnFoB6LwLBhOQCUhSiDXcohriCZCPBae4Q8CI4KWvIywc+YGwDkxxUREjEaiitXv
TxBpP09msfq2HFcMyaXuyPZR4ON53BE6
-----END CERTIFICATE-----`;

const topic = 'arn:aws:sns:eu-west-1:123456789012:alarms';
const certificateAddress =
  'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem';

const alarm = {
  AlarmName: 'checkout-5xx-rate',
  AlarmDescription: '{"service":"checkout","severity":"critical"}',
  AWSAccountId: '123456789012',
  NewStateValue: 'ALARM',
  NewStateReason: 'Threshold Crossed: 2 datapoints were greater than the threshold (5.0).',
  StateChangeTime: '2026-11-20T11:05:41.712+0000',
  Region: 'EU (Ireland)',
  AlarmArn: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-rate',
  OldStateValue: 'OK',
  Trigger: {
    MetricName: 'HTTPCode_Target_5XX_Count',
    Namespace: 'AWS/ApplicationELB',
    Statistic: 'SUM',
    Dimensions: [{ value: 'app/checkout/50dc6c495c0c9188', name: 'LoadBalancer' }],
    Period: 60,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 5,
  },
};
const well = {
  ...alarm,
  NewStateValue: 'OK',
  NewStateReason: 'Threshold Crossed: 2 datapoints were not greater than the threshold (5.0).',
  StateChangeTime: '2026-11-20T11:15:41.712+0000',
  OldStateValue: 'ALARM',
};

const notification = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: topic,
  Subject: 'ALARM: "checkout-5xx-rate" in EU (Ireland)',
  Message: JSON.stringify(alarm),
  Timestamp: '2026-11-20T11:05:41.809Z',
  SignatureVersion: '2',
  Signature:
    'dAAZHSFup3pBQs3STpqJbXEL+rjfTH1fPBA9dS2zHcZDtSub73To/jpKt+ajAL6cHyq/8JXUwTGp1haL9aJjvAHsZSzvvSKRYzzSx5cwiZr1Qd7f9CxXPfjA+7ptU8O7aPIwMNollbPeyV9B08o4hv4MRRX/KJtfFLrujq1Un1bMGWvrimXMuNxxtZp+UXdMWBis2QPbEV0x7NKxxdF3SrXuE3SeeuPY523C5PXmNFKyvp5FKiMS/9uTGUIgFJzYZ4X2St6/03fGdnXHkhWKi7UwR39oGlaEHeRPDHp1mIlc47d0Xas4rkx3oMPO5uAmciU18M4vdHvjXnHXynRNfw==',
  SigningCertURL: certificateAddress,
};
const confirmation = {
  Type: 'SubscriptionConfirmation',
  MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
  Token: '2336412f37fb687f5d51e6e2425dacbba6c1',
  TopicArn: topic,
  Message: 'You have chosen to subscribe to the topic.',
  SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topic}&Token=2336412f37fb687f5d51e6e2425dacbba6c1`,
  Timestamp: '2026-11-20T11:04:04.751Z',
  SignatureVersion: '2',
  Signature:
    'KOaDTGJRT+S4ulkAt219cb+oM2Hxi16FYLhbMWRdZ6ji7ubJuZcvZAkdg31pSiL7o353XLG9YEUmrzhx2bVVlITe9j7EQjv2rzeIjfWQgtgHXdGHD7cJl+WRZ8PX54ITOYQz7uUhu9B9OIA+V6zn7zVc0IqmkVEThZKhUNpBYXojSJAN0Z1/KJnZaBwGPidGSiw21EgA7YxGNnNpl9I/enHhfKPNUsiBA3f4tfkUSqiebZAOFQKD0zSQAkRhff2fQcZ751O3vgUjaPcZiytYG2Ck+0AlWd0jNMncgodcGkD7EHmOumgF6NrXyA/oIiSXMt267oV2gvHx4IUqNWbQxQ==',
  SigningCertURL: certificateAddress,
};

const signed = { headers: { 'content-type': 'text/plain; charset=UTF-8' }, key: certificate };
const at = Date.UTC(2026, 10, 20, 11, 5, 43);

/** Raw messages need the password, and have no signature. */
const raw = {
  options: { topics: [topic], basic: { user: 'sns', password: 'an example password' } },
  headers: {
    authorization: `Basic ${Buffer.from('sns:an example password').toString('base64')}`,
    'x-amz-sns-rawdelivery': 'true',
    'x-amz-sns-topic-arn': topic,
    'x-amz-sns-message-id': '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  },
};

export const examples: readonly SourceExample[] = [
  {
    title: 'An alarm of CloudWatch',
    options: { topics: [topic], confirm: true },
    ...signed,
    body: JSON.stringify(notification),
    at,
    expect: {
      deliveryId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-rate',
          title: 'checkout-5xx-rate',
          severity: 'critical',
          labels: {
            service: 'checkout',
            severity: 'critical',
            LoadBalancer: 'app/checkout/50dc6c495c0c9188',
            alertname: 'checkout-5xx-rate',
            account: '123456789012',
            region: 'eu-west-1',
            namespace: 'AWS/ApplicationELB',
            metric: 'HTTPCode_Target_5XX_Count',
          },
          startsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
          stretch: 'startsAt',
          newsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
          endsAt: null,
          links: [
            {
              label: 'Console',
              url: 'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/checkout-5xx-rate',
            },
          ],
        },
      ],
    },
  },
  {
    title: 'A subscription that nobody told to confirm by itself',
    options: { topics: [topic] },
    ...signed,
    body: JSON.stringify(confirmation),
    at,
    expect: { events: [{ kind: 'notice', type: 'subscription' }] },
  },
  {
    title: 'An alarm by raw message delivery, with the password',
    ...raw,
    body: JSON.stringify(alarm),
    at,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-rate',
        },
      ],
    },
  },
  {
    title: 'It is well again',
    ...raw,
    body: JSON.stringify(well),
    at: at + 600_000,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-rate',
          endsAt: Date.UTC(2026, 10, 20, 11, 15, 41, 712),
        },
      ],
    },
  },
  {
    title: 'A text',
    ...raw,
    body: 'The backup of db-1 is done',
    at,
    expect: { events: [{ kind: 'notice', type: 'message', title: 'The backup of db-1 is done' }] },
  },
  {
    title: 'A genuine signature of a topic that does not lead here',
    options: { topics: ['arn:aws:sns:eu-west-1:123456789012:others'] },
    ...signed,
    body: JSON.stringify(notification),
    at,
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'A raw message without a password',
    options: { topics: [topic] },
    headers: raw.headers,
    body: JSON.stringify(alarm),
    at,
    expect: { refused: 'bad-signature' },
  },
];
