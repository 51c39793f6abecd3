import { describe, expect, test } from 'vitest';
import { payload } from '../helpers.ts';
import { account, arn, at, made, taken } from './made.ts';

describe('CloudWatch', () => {
  const sent = (file: string) => payload(`aws-eventbridge/cloudwatch-alarm-state-change-${file}.json`);
  const changed = (detail: object, options: object = {}) => {
    const body = JSON.parse(sent('alarm').toString());
    return taken(JSON.stringify({ ...body, detail: { ...body.detail, ...detail } }), options)[0];
  };

  test('an alarm fires: identity, metric, dimensions, words and times', () => {
    expect(taken(sent('alarm'))).toMatchObject([
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: arn,
        title: 'checkout-5xx-rate',
        severity: 'warning',
        labels: {
          alertname: 'checkout-5xx-rate',
          account,
          region: 'eu-west-1',
          namespace: 'AWS/ApplicationELB',
          metric: 'HTTPCode_Target_5XX_Count',
          LoadBalancer: 'app/checkout/50dc6c495c0c9188',
        },
        annotations: { description: '5xx above threshold', reason: expect.stringContaining('Threshold Crossed') },
        startsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
        stretch: 'startsAt',
        newsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
      },
    ]);
  });

  test('its end names when it had begun', () => {
    expect(taken(sent('ok'))).toMatchObject([
      {
        state: 'resolved',
        fingerprint: arn,
        startsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
        endsAt: Date.UTC(2026, 10, 20, 11, 15, 41, 712),
      },
    ]);
  });

  test('an alarm of which the actions are suppressed is told, and opens when they no longer are', () => {
    const timestamp = '2026-11-20T12:00:00.000+0000';
    const state = { value: 'ALARM', timestamp, actionsSuppressedBy: 'WaitPeriod' };
    expect(changed({ state })).toMatchObject({ kind: 'notice', type: 'alarm-suppressed', about: arn });
    const later = changed({ state: { value: 'ALARM', timestamp }, previousState: state });
    expect(later).toMatchObject({ kind: 'alert', state: 'firing' });
    expect(later).not.toHaveProperty('stretch');
    expect(changed({ state: { ...state, value: 'OK' } })).toMatchObject({ state: 'resolved' });
  });

  test('one that is muted says until when', () => {
    const muteWindowEnd = '2026-11-20T13:00:00.000+0000';
    expect(changed({ muteDetail: { muteWindowEnd } })).toMatchObject({ annotations: { muted_until: muteWindowEnd } });
  });

  test('one of several time series is an alert of its own', () => {
    const detail = {
      alarmName: 'tables',
      alarmContributor: { id: '6d442278dba546f6', attributes: { TableName: 'orders' } },
      state: { value: 'ALARM', timestamp: '2026-11-20T12:00:00.000+0000' },
    };
    const type = 'CloudWatch Alarm Contributor State Change';
    expect(made(type, 'aws.cloudwatch', detail, { resources: [arn] })).toMatchObject({
      state: 'firing',
      fingerprint: `${arn}#6d442278dba546f6`,
      labels: { TableName: 'orders' },
      stretch: 'startsAt',
    });
  });

  test('one that is deleted is over, which is no cure; other changes of its settings are told', () => {
    const type = 'CloudWatch Alarm Configuration Change';
    const detail = { alarmName: 'a', state: { value: 'ALARM', timestamp: '2026-11-20T11:00:00.000+0000' } };
    const changedTo = (operation: string) =>
      made(type, 'aws.cloudwatch', { ...detail, operation }, { resources: [arn] });
    expect(changedTo('delete')).toMatchObject({
      kind: 'alert',
      state: 'resolved',
      fingerprint: arn,
      noCure: 'the alarm was deleted',
      newsAt: Date.UTC(2026, 10, 20, 12),
    });
    expect(changedTo('update')).toMatchObject({ kind: 'notice', type });
  });
});

describe('CloudTrail', () => {
  const type = 'AWS API Call via CloudTrail';

  test('a call: who, what, to what, from where, and that it was done', () => {
    expect(taken(payload('aws-eventbridge/cloudtrail-api-call.json'))).toMatchObject([
      {
        kind: 'notice',
        type: 'cloudtrail',
        title: 'deploy-bot: AuthorizeSecurityGroupIngress on sg-0a1b2c3d4e5f67890',
        labels: {
          action: 'AuthorizeSecurityGroupIngress',
          service: 'ec2.amazonaws.com',
          actor: 'arn:aws:sts::123456789012:assumed-role/deploy/deploy-bot',
          actor_type: 'AssumedRole',
          role: 'arn:aws:iam::123456789012:role/deploy',
          resource: 'sg-0a1b2c3d4e5f67890',
          outcome: 'success',
          ip: '203.0.113.24',
          read_only: 'false',
          account,
          region: 'eu-west-1',
          event_id: 'a7f0d1e2-1111-2222-3333-444455556666',
        },
        occurredAt: Date.UTC(2026, 10, 20, 12, 1, 9),
      },
      {
        kind: 'change',
        title: 'deploy-bot: AuthorizeSecurityGroupIngress on sg-0a1b2c3d4e5f67890',
        labels: { service: 'ec2.amazonaws.com', region: 'eu-west-1', ip: '203.0.113.24' },
        actor: {
          name: 'deploy-bot',
          id: 'arn:aws:sts::123456789012:assumed-role/deploy/deploy-bot',
          type: 'AssumedRole',
        },
        action: 'AuthorizeSecurityGroupIngress',
        resource: { type: 'ec2.amazonaws.com groupId', id: 'sg-0a1b2c3d4e5f67890' },
        after: { as: 'facts', facts: { groupId: 'sg-0a1b2c3d4e5f67890' } },
        account,
        outcome: { state: 'success' },
        changeId: 'a7f0d1e2-1111-2222-3333-444455556666',
        occurredAt: Date.UTC(2026, 10, 20, 12, 1, 9),
      },
    ]);
  });

  const call = (detail: object, more: object = {}) =>
    taken(
      JSON.stringify({
        ...{ id: 'e1', 'detail-type': type, source: 'aws.ssm', account, region: 'eu-west-1', resources: [] },
        ...more,
        detail: { eventName: 'PutParameter', eventSource: 'ssm.amazonaws.com', readOnly: false, ...detail },
      }),
    );
  const kinds = (events: ReturnType<typeof taken>) => events.map(({ kind }) => kind);

  test('only a call of AWS that writes is a change; people are told of every one', () => {
    expect(kinds(call({}))).toEqual(['notice', 'change']);
    expect(kinds(call({ readOnly: 'false' }))).toEqual(['notice', 'change']);
    for (const readOnly of [true, 'true', null, undefined, 0]) expect(kinds(call({ readOnly }))).toEqual(['notice']);
    for (const other of ['AWS Console Sign In via CloudTrail', 'AWS Service Event via CloudTrail'])
      expect(kinds(call({}, { 'detail-type': other }))).toEqual(['notice']);
    expect(kinds(call({}, { source: 'shop.fake' }))).toEqual(['notice']);
  });

  test('a change that was refused says why, and what was asked for', () => {
    const [, refused] = call({ errorCode: 'AccessDenied', errorMessage: 'no', requestParameters: { name: '/a' } });
    expect(refused).toMatchObject({
      outcome: { state: 'failure', error: 'AccessDenied: no' },
      resource: { type: 'ssm.amazonaws.com name', id: '/a' },
      after: { as: 'facts', facts: { name: '/a' } },
    });
  });

  test('what was asked for has no secrets and no lists, and what names no thing is of the service there', () => {
    const requestParameters = {
      type: 'String',
      masterUserPassword: 'x',
      authToken: 'x',
      count: 2,
      list: [1],
      keys: {},
    };
    const [, made] = call({ requestParameters, eventTime: '2026-11-20T12:01:09Z' });
    expect(made).toMatchObject({
      after: { as: 'facts', facts: { type: 'String', count: '2' } },
      resource: { type: 'ssm.amazonaws.com', id: `${account}/eu-west-1` },
      occurredAt: Date.UTC(2026, 10, 20, 12, 1, 9),
    });
    expect(JSON.stringify(made)).not.toContain('"x"');
  });

  test('the thing has the type that the record gives it', () => {
    const bucket = { ARN: 'arn:aws:s3:::logs', type: 'AWS::S3::Bucket' };
    const typed = { resource: { type: 'AWS::S3::Bucket', id: 'arn:aws:s3:::logs' } };
    const resources = [{ ARN: 'arn:aws:s3:::logs/a' }, bucket];
    expect(call({ resources: [bucket] })[1]).toMatchObject(typed);
    expect(call({ resources }, { resources: [bucket.ARN] })[1]).toMatchObject(typed);
    expect(call({}, { resources: ['arn:x'] })[1]).toMatchObject({
      resource: { type: 'ssm.amazonaws.com', id: 'arn:x' },
    });
  });

  test('one that was refused says why', () => {
    const detail = {
      eventName: 'RunInstances',
      errorCode: 'Client.UnauthorizedOperation',
      errorMessage: 'You are not allowed',
      userIdentity: { type: 'Root', arn: `arn:aws:iam::${account}:root` },
    };
    expect(made(type, 'aws.ec2', detail)).toMatchObject({
      title: 'root: RunInstances, refused or failed: Client.UnauthorizedOperation',
      labels: { outcome: 'Client.UnauthorizedOperation', error: 'You are not allowed', actor_type: 'Root' },
    });
  });

  test('a sign-in that failed, a service that acts, and a call of nobody', () => {
    const signIn = {
      eventName: 'ConsoleLogin',
      responseElements: { ConsoleLogin: 'Failure' },
      userIdentity: { type: 'IAMUser', userName: 'eve' },
    };
    expect(made('AWS Console Sign In via CloudTrail', 'aws.signin', signIn)).toMatchObject({
      labels: { outcome: 'Failure', actor: 'eve' },
    });
    const service = { eventName: 'AssumeRole', userIdentity: { type: 'AWSService', invokedBy: 'ecs.amazonaws.com' } };
    expect(made(type, 'aws.sts', service)).toMatchObject({
      labels: { actor: 'ecs.amazonaws.com', outcome: 'success' },
    });
    expect(made(type, 'aws.x', {})).toMatchObject({ kind: 'notice', title: `Somebody: ${type}` });
  });

  test('global services tell their own region', () => {
    expect(
      made(type, 'aws.iam', { eventName: 'CreateUser', awsRegion: 'us-east-1', recipientAccountId: '210987654321' }),
    ).toMatchObject({
      labels: { region: 'us-east-1', account: '210987654321' },
    });
  });
});

describe('anything else', () => {
  test('is a notice with its plain facts, so that a runbook can be started by them', () => {
    const detail = { order: 4711, paid: false, note: 'late', items: [1], customer: { id: 1 }, account: 'other' };
    expect(made('Order refused', 'shop.checkout', detail, { resources: ['order/4711', 7] })).toMatchObject({
      kind: 'notice',
      type: 'Order refused',
      labels: {
        detail_order: '4711',
        detail_paid: 'false',
        detail_note: 'late',
        detail_account: 'other',
        account,
        event_source: 'shop.checkout',
        resource: 'order/4711',
      },
    });
  });

  test('is not of AWS because it says so in its type', () => {
    expect(
      made('CloudWatch Alarm State Change', 'shop.fake', { alarmName: 'a', state: { value: 'ALARM' } }),
    ).toMatchObject({ kind: 'notice' });
    expect(made('toString', 'hasOwnProperty', {})).toMatchObject({ kind: 'notice' });
  });

  test('without a time has that of its arrival', () => {
    for (const time of [undefined, null, 'now', '2036-01-01T00:00:00Z'])
      expect(made('x', 'y', {}, { time: time ?? '' })).toMatchObject({ occurredAt: at });
  });

  test.each(['deep-nesting', 'prototype-pollution', 'shell-injection', 'template-injection', 'bidi-and-homoglyph'])(
    'the hostile file %s inside of it is only text',
    file => {
      const note = payload(`hostile/${file}.json`).toString().slice(0, 20_000);
      expect(made('x', 'y', { note, [note.slice(0, 60)]: 1 })).toMatchObject({ kind: 'notice', labels: { account } });
      const state = { value: 'ALARM', reason: note, timestamp: '2026-11-20T12:00:00.000+0000' };
      const detail = { alarmName: note.slice(0, 200), state, alarmTags: { note } };
      expect(made('CloudWatch Alarm State Change', 'aws.cloudwatch', detail, { resources: [arn] })).toMatchObject({
        fingerprint: arn,
        labels: { account, region: 'eu-west-1' },
      });
    },
  );
});
