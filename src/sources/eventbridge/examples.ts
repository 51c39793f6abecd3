import type { SourceExample } from '../../ports/source.ts';

const alarm = 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-rate';
const common = { version: '0', account: '123456789012', region: 'eu-west-1' };

const firing = {
  ...common,
  id: 'c4c1c1c9-6542-e61b-6ef0-8c4d36933a92',
  'detail-type': 'CloudWatch Alarm State Change',
  source: 'aws.cloudwatch',
  time: '2026-11-20T11:05:41Z',
  resources: [alarm],
  detail: {
    alarmName: 'checkout-5xx-rate',
    alarmTags: { team: 'shop', severity: 'critical' },
    configuration: {
      description: 'Too many errors',
      metrics: [
        {
          id: 'm1',
          metricStat: {
            metric: {
              namespace: 'AWS/ApplicationELB',
              name: 'HTTPCode_Target_5XX_Count',
              dimensions: { LoadBalancer: 'app/checkout/50dc6c495c0c9188' },
            },
            period: 60,
            stat: 'Sum',
          },
          returnData: true,
        },
      ],
    },
    previousState: { value: 'OK', reason: 'It was well', timestamp: '2026-11-20T10:55:41.000+0000' },
    state: { value: 'ALARM', reason: 'Threshold Crossed', timestamp: '2026-11-20T11:05:41.712+0000' },
  },
};
const resolved = {
  ...firing,
  id: '7a1c1c1c-6542-e61b-6ef0-8c4d36933a93',
  time: '2026-11-20T11:15:41Z',
  detail: {
    ...firing.detail,
    previousState: firing.detail.state,
    state: { value: 'OK', reason: 'It is well again', timestamp: '2026-11-20T11:15:41.712+0000' },
  },
};
const finding = {
  ...common,
  id: 'f0000000-0000-4000-8000-000000000001',
  'detail-type': 'GuardDuty Finding',
  source: 'aws.guardduty',
  time: '2026-11-20T12:05:00Z',
  resources: [],
  detail: {
    schemaVersion: '2.0',
    accountId: '123456789012',
    region: 'eu-west-1',
    id: '16afba5c5c43e07c9e3e5e2e544e95df',
    arn: 'arn:aws:guardduty:eu-west-1:123456789012:detector/d1/finding/16afba5c5c43e07c9e3e5e2e544e95df',
    type: 'CryptoCurrency:EC2/BitcoinTool.B!DNS',
    resource: { resourceType: 'Instance', instanceDetails: { instanceId: 'i-0abc' } },
    service: { count: 3, archived: false, eventFirstSeen: '2026-11-20T11:00:00Z' },
    severity: 8,
    createdAt: '2026-11-20T11:02:00.000Z',
    updatedAt: '2026-11-20T12:04:00.000Z',
    title: 'An instance asks for a Bitcoin name',
    description: 'The instance i-0abc asked for it.',
  },
};
const call = {
  ...common,
  id: '36eb8523-97d0-4518-b33d-ee3579ff19f0',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.ec2',
  time: '2026-11-20T12:01:09Z',
  resources: [],
  detail: {
    userIdentity: { type: 'AssumedRole', arn: 'arn:aws:sts::123456789012:assumed-role/deploy/deploy-bot' },
    eventSource: 'ec2.amazonaws.com',
    eventName: 'AuthorizeSecurityGroupIngress',
    awsRegion: 'eu-west-1',
    sourceIPAddress: '203.0.113.24',
    requestParameters: { groupId: 'sg-0a1b2c3d4e5f67890' },
    errorCode: 'Client.UnauthorizedOperation',
    eventID: 'a7f0d1e2-1111-2222-3333-444455556666',
    readOnly: false,
  },
};

const byKey = {
  options: { apiKey: { name: 'X-Api-Key', value: 'an example key' }, alarms: { 'prod-*': 'critical' } },
  headers: { 'x-api-key': 'an example key' },
};

export const examples: readonly SourceExample[] = [
  {
    title: 'An alarm of CloudWatch, with its tags',
    ...byKey,
    body: JSON.stringify(firing),
    expect: {
      deliveryId: 'c4c1c1c9-6542-e61b-6ef0-8c4d36933a92',
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: alarm,
          title: 'checkout-5xx-rate',
          severity: 'critical',
          labels: {
            team: 'shop',
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
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It is well again',
    options: { basic: { user: 'aws', password: 'an example password' } },
    headers: { authorization: `Basic ${Buffer.from('aws:an example password').toString('base64')}` },
    body: JSON.stringify(resolved),
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: alarm,
          startsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
          endsAt: Date.UTC(2026, 10, 20, 11, 15, 41, 712),
        },
      ],
    },
  },
  {
    title: 'A finding of GuardDuty',
    options: { token: 'an example token' },
    headers: { authorization: 'Bearer an example token' },
    body: JSON.stringify(finding),
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          severity: 'error',
          title: 'An instance asks for a Bitcoin name',
          newsAt: Date.UTC(2026, 10, 20, 12, 4),
        },
      ],
    },
  },
  {
    title: 'A call of the API that was refused: for people, and as a change',
    ...byKey,
    body: JSON.stringify(call),
    expect: {
      events: [
        {
          kind: 'notice',
          type: 'cloudtrail',
          title:
            'deploy-bot: AuthorizeSecurityGroupIngress on sg-0a1b2c3d4e5f67890, refused or failed: Client.UnauthorizedOperation',
        },
        {
          kind: 'change',
          action: 'AuthorizeSecurityGroupIngress',
          resource: { type: 'ec2.amazonaws.com groupId', id: 'sg-0a1b2c3d4e5f67890' },
          outcome: { state: 'failure', error: 'Client.UnauthorizedOperation' },
          account: '123456789012',
          changeId: 'a7f0d1e2-1111-2222-3333-444455556666',
        },
      ],
    },
  },
  {
    title: 'An event of a kind that is not known',
    ...byKey,
    body: JSON.stringify({
      ...common,
      id: '2b5e2ff6-0000-4000-8000-000000000002',
      'detail-type': 'Order refused',
      source: 'shop.checkout',
      time: '2026-11-20T12:10:00Z',
      resources: [],
      detail: { order: 4711, lines: [] },
    }),
    expect: {
      events: [{ kind: 'notice', type: 'Order refused', title: 'Order refused (shop.checkout)' }],
    },
  },
  {
    title: 'Another key',
    ...byKey,
    headers: { 'x-api-key': 'guessed' },
    body: JSON.stringify(firing),
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'What an input transformer made',
    ...byKey,
    body: '{"text":"checkout-5xx-rate is in ALARM"}',
    expect: { refused: 'bad-body' },
  },
];
