import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { incomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/sns/index.ts';
import { type SnsDouble, startSnsDouble, token, topic } from '../../doubles/sns.ts';
import { delivery, payload, take, vectors } from '../helpers.ts';

const at = Date.UTC(2026, 10, 20, 11, 6);
let sns: SnsDouble;
beforeAll(async () => {
  sns = await startSnsDouble(() => at);
});
afterAll(() => sns.close());

const eventsOf = (body: string | Buffer, more: object = {}, when = at) =>
  take(source, delivery(body, {}, when), { topics: [topic], ...more }).events.map(event => incomingEvent.parse(event));
/** Published to the topic. */
const published = (Message: string, facts: object = {}, more: object = {}) =>
  eventsOf(sns.message({ Message, ...facts }), more);
const decoded = (state: string) => payload(`aws-sns/cloudwatch-message-decoded-${state}.json`).toString();
const alarm = (facts: object, more: object = {}) =>
  published(JSON.stringify({ ...JSON.parse(decoded('alarm')), ...facts }), {}, more)[0];
const arn = 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-rate';

describe('an alarm of CloudWatch', () => {
  test('as it is delivered: identity, labels, words, link and times', () => {
    const body = payload('aws-sns/notification-cloudwatch-alarm.json');
    const made = take(source, delivery(body, {}, at), { topics: [topic] });
    expect(made.deliveryId).toBe('22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324');
    expect(made.events.map(event => incomingEvent.parse(event))).toMatchObject([
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: arn,
        title: 'checkout-5xx-rate',
        severity: 'warning',
        labels: {
          alertname: 'checkout-5xx-rate',
          account: '123456789012',
          region: 'eu-west-1',
          namespace: 'AWS/ApplicationELB',
          metric: 'HTTPCode_Target_5XX_Count',
          LoadBalancer: 'app/checkout/50dc6c495c0c9188',
          runbook: 'restart-service',
          service: 'checkout',
        },
        annotations: { threshold: '5', comparison: 'GreaterThanThreshold', statistic: 'SUM' },
        links: [
          {
            label: 'Console',
            url: 'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/checkout-5xx-rate',
          },
        ],
        startsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
        stretch: 'startsAt',
        newsAt: Date.UTC(2026, 10, 20, 11, 5, 41, 712),
        endsAt: null,
      },
    ]);
  });

  test('that is well again ends the same alert', () => {
    const [event] = eventsOf(payload('aws-sns/notification-cloudwatch-ok.json'), {}, at + 600_000);
    expect(event).toMatchObject({
      state: 'resolved',
      fingerprint: arn,
      endsAt: Date.UTC(2026, 10, 20, 11, 15, 41, 712),
    });
    expect(event).not.toHaveProperty('noCure');
    expect(event).not.toHaveProperty('stretch');
  });

  test('goes on when it was in ALARM before, or had no data', () => {
    for (const OldStateValue of ['ALARM', 'INSUFFICIENT_DATA', undefined])
      expect(alarm({ OldStateValue })).not.toHaveProperty('stretch');
  });

  test.each([
    ['notice', { kind: 'notice', type: 'insufficient-data', about: arn }],
    ['firing', { kind: 'alert', state: 'firing' }],
    ['resolved', { kind: 'alert', state: 'resolved', noCure: expect.stringContaining('too little data') }],
  ])('without enough data is, with %s', (insufficientData, expected) => {
    expect(alarm({ NewStateValue: 'INSUFFICIENT_DATA' }, { insufficientData })).toMatchObject(expected);
    if (insufficientData === 'notice') expect(alarm({ NewStateValue: 'INSUFFICIENT_DATA' })).toMatchObject(expected);
  });

  test('has its severity by name, by label, or by the option', () => {
    const severity = (facts: object, more: object) => (alarm(facts, more) as { severity: string }).severity;
    const described = { AlarmDescription: '{"severity":"SEV1","level":"info"}' };
    expect(severity({}, {})).toBe('warning');
    expect(severity({}, { severity: 'error' })).toBe('error');
    expect(severity(described, { severity: 'error' })).toBe('critical');
    expect(severity(described, { severityLabel: 'level' })).toBe('info');
    expect(severity({ AlarmTags: [{ Key: 'severity', Value: 'low' }] }, {})).toBe('info');
    expect(severity({ AlarmTags: { severity: 'low' } }, {})).toBe('info');
    const alarms = { 'checkout-*-rat': 'info', '*-5xx-*': 'error', '*': 'critical' };
    expect(severity(described, { alarms })).toBe('error');
    expect(severity({ AlarmName: 'a' }, { alarms })).toBe('critical');
    expect(severity({}, { alarms: { checkout: 'critical' } })).toBe('warning');
  });

  test('of other alarms, of several metrics, of one of several series', () => {
    const AlarmRule = 'ALARM(a) OR ALARM(b)';
    const TriggeringChildren = [
      { Arn: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a', State: { Value: 'ALARM' } },
    ];
    expect(alarm({ Trigger: undefined, AlarmRule, TriggeringChildren })).toMatchObject({
      fingerprint: arn,
      annotations: { rule: AlarmRule, triggered_by: 'a' },
    });
    const Metric = { Namespace: 'App', MetricName: 'Errors', Dimensions: [{ name: 'Host', value: 'web-1' }] };
    const Metrics = [
      { Id: 'e1', Expression: 'm1 / 2', ReturnData: true },
      { Id: 'm1', MetricStat: { Metric, Stat: 'Sum' } },
    ];
    expect(alarm({ Trigger: { Metrics, Threshold: 1 } })).toMatchObject({
      labels: { namespace: 'App', metric: 'Errors', Host: 'web-1' },
    });
    const series = { AlarmContributorId: '6d442278dba546f6', AlarmContributorAttributes: { TableName: 'orders' } };
    expect(alarm(series)).toMatchObject({
      fingerprint: `${arn}#6d442278dba546f6`,
      labels: { TableName: 'orders', contributor: '6d442278dba546f6' },
    });
  });

  test('keeps its own facts, whatever a dimension, tag or description is called', () => {
    const Trigger = {
      Dimensions: [
        { name: 'account', value: '999999999999' },
        { name: '__proto__', value: 'x' },
      ],
    };
    const facts = { Trigger, AlarmTags: { region: 'xx' }, AlarmDescription: '{"alertname":"other","__proto__":"x"}' };
    expect(alarm(facts)).toMatchObject({
      labels: { account: '123456789012', region: 'eu-west-1', alertname: 'checkout-5xx-rate' },
    });
  });

  test('of before there were ARNs, of another partition, and of a region that is no region', () => {
    expect(alarm({ AlarmArn: undefined })).toMatchObject({
      fingerprint: '123456789012/eu-west-1/checkout-5xx-rate',
      labels: { region: 'eu-west-1' },
    });
    const china = 'arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:a b/c';
    expect(alarm({ AlarmArn: china, AlarmName: 'a b/c' })?.links[0]?.url).toBe(
      'https://console.amazonaws.cn/cloudwatch/home?region=cn-north-1#alarmsV2:alarm/a%20b%2Fc',
    );
    expect(alarm({ AlarmArn: 'arn:aws:cloudwatch:evil.example/?x:123456789012:alarm:a' })?.links[0]?.url).toContain(
      'https://eu-west-1.console.aws.amazon.com/',
    );
  });

  test('with a time that cannot be starts when it arrives, and names no stretch', () => {
    for (const StateChangeTime of ['2036-01-01T00:00:00.000+0000', 'yesterday', undefined, 7]) {
      const event = alarm({ StateChangeTime });
      expect(event).toMatchObject({ startsAt: at });
      expect(event).not.toHaveProperty('stretch');
      expect(event).not.toHaveProperty('newsAt');
    }
  });

  test('with a state that is not known is kept', () => {
    expect(alarm({ NewStateValue: 'PANIC' })).toMatchObject({ kind: 'notice', type: 'alarm-state', about: arn });
  });
});

describe('other messages', () => {
  test('an event of EventBridge is what it is there', () => {
    const event = payload('aws-eventbridge/cloudwatch-alarm-state-change-alarm.json').toString();
    expect(published(event)).toMatchObject([{ kind: 'alert', state: 'firing', fingerprint: arn }]);
    const call = payload('aws-eventbridge/cloudtrail-api-call.json').toString();
    expect(published(call)).toMatchObject([{ kind: 'notice', type: 'cloudtrail' }, { kind: 'change' }]);
  });

  test('anything else is a notice with its text', () => {
    expect(published('The backup is done\nin 3 minutes', { Subject: 'Backup' })).toMatchObject([
      {
        kind: 'notice',
        type: 'message',
        title: 'Backup',
        labels: {
          topic: 'alarms',
          account: '123456789012',
          region: 'eu-west-1',
          message: 'The backup is done\nin 3 minutes',
        },
        occurredAt: at,
      },
    ]);
    for (const [text, title] of [
      ['The backup is done\nin 3 minutes', 'The backup is done'],
      ['{"job":"backup"}', '{"job":"backup"}'],
      ['{"a":1,"a":2}', '{"a":1,"a":2}'],
      ['{"AlarmName":7}', '{"AlarmName":7}'],
      ['', 'An empty message'],
    ] as const)
      expect(published(text)).toMatchObject([{ kind: 'notice', type: 'message', title }]);
  });

  test.each(['deep-nesting', 'prototype-pollution', 'shell-injection', 'template-injection', 'bidi-and-homoglyph'])(
    'the hostile file %s is kept, and nothing of it is more than text',
    file => {
      const text = payload(`hostile/${file}.json`).toString();
      const [event] = published(text);
      expect(event).toMatchObject({ kind: 'notice', type: 'message' });
      const inside = JSON.stringify({
        ...JSON.parse(decoded('alarm')),
        AlarmDescription: text,
        AlarmTags: { note: text },
      });
      expect(published(inside)).toMatchObject([
        { kind: 'alert', fingerprint: arn, labels: { account: '123456789012' } },
      ]);
    },
  );

  test('a message of 256 KiB is taken', () => {
    expect(published(`{"x":"${'y'.repeat(262_000)}"}`)).toHaveLength(1);
  });
});

describe('a message that is not of now', () => {
  const aged = (age: number, more: object = {}) =>
    eventsOf(
      sns.message({ Message: decoded('alarm'), Subject: 'ALARM', Timestamp: new Date(at - age).toISOString() }),
      more,
    );

  test('is taken for as long as SNS tries, and only told after that', () => {
    expect(aged(3_600_000)).toMatchObject([{ kind: 'alert' }]);
    expect(aged(4_300_000)).toMatchObject([
      { kind: 'notice', type: 'too-old', title: expect.stringContaining('is 1h 11m old: ALARM') },
    ]);
    expect(aged(4_300_000, { maxAge: '2h' })).toMatchObject([{ kind: 'alert' }]);
    expect(aged(-240_000)).toMatchObject([{ kind: 'alert' }]);
    expect(aged(-600_000)).toMatchObject([{ kind: 'notice', title: expect.stringContaining('is from 10m after now') }]);
  });

  test('or tells no time is only told', () => {
    expect(eventsOf(sns.message({ Timestamp: 'now' }))).toMatchObject([{ kind: 'notice', type: 'too-old' }]);
  });

  test('confirms nothing', () => {
    const body = sns.message({ Type: 'SubscriptionConfirmation', Timestamp: new Date(at - 86_400_000).toISOString() });
    const given = source.options.parse({ topics: [topic], confirm: true });
    expect(source.askBack?.(delivery(body, {}, at), given)).toBeNull();
    expect(source.askBack?.(delivery(body, {}, at - 86_400_000), given)).not.toBeNull();
  });
});

describe('a subscription', () => {
  const confirmation = (facts: object = {}) => sns.message({ Type: 'SubscriptionConfirmation', ...facts });
  const asked = (body: string, more: object = { confirm: true }) =>
    source.askBack?.(delivery(body, {}, at), source.options.parse({ topics: [topic], ...more })) ?? null;

  test('is told with the command that confirms it, and without a link that a preview would follow', () => {
    const [event] = eventsOf(confirmation());
    expect(event).toMatchObject({
      type: 'subscription',
      links: [],
      labels: { confirm: expect.stringContaining(`--topic-arn ${topic} --token ${token}`) },
    });
    expect(JSON.stringify(event)).not.toContain('https:');
    expect(asked(confirmation(), {})).toBeNull();
  });

  test('is confirmed where the option says so: the topic and token of the message, at a host of SNS', () => {
    expect(asked(confirmation())).toBe(
      `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topic)}&Token=${token}`,
    );
    expect(asked(confirmation({ TopicArn: `${topic}2` }))).toBeNull();
    expect(asked(sns.message())).toBeNull();
    expect(asked(sns.message({ Type: 'UnsubscribeConfirmation' }))).toBeNull();
  });

  const query = `Action=ConfirmSubscription&TopicArn=${topic}&Token=${token}`;
  test.each([
    `http://sns.eu-west-1.amazonaws.com/?${query}`,
    `https://evil.example/?${query}`,
    `https://sns.eu-west-1.amazonaws.com@evil.example/?${query}`,
    `https://sns.eu-west-1.amazonaws.com:8443/?${query}`,
    `https://sns.eu-west-1.amazonaws.com/x?${query}`,
    `https://sns.eu-west-1.amazonaws.com\\@evil.example/?${query}`,
    `https://sns.eu-west-1.amazonaws.com/?${query}#x`,
    `https://sns.eu-west-1.amazonaws.com/?${query.replace('Confirm', 'Delete')}`,
    `https://sns.eu-west-1.amazonaws.com/?${query.replace(':alarms', ':others')}`,
    `https://sns.eu-west-1.amazonaws.com/?${query}0`,
    `https://sns.eu-west-1.amazonaws.com/?${query}&Action=Unsubscribe`,
    `https://s3.eu-west-1.amazonaws.com/?${query}`,
    'https://sns.eu-west-1.amazonaws.com/',
    '',
  ])('is not confirmed at %s', SubscribeURL => {
    expect(asked(confirmation({ SubscribeURL }))).toBeNull();
  });

  test('that was ended is told', () => {
    expect(eventsOf(sns.message({ Type: 'UnsubscribeConfirmation' }))).toMatchObject([
      { kind: 'notice', type: 'unsubscribed', title: expect.stringContaining('was ended'), links: [] },
    ]);
  });

  test('the vectors of both are only told', () => {
    const files = vectors('aws-sns').flatMap(({ file }) => (file?.includes('scri') ? [file] : []));
    expect(files).toHaveLength(2);
    for (const file of files) {
      const [event] = eventsOf(payload(file), {}, Date.UTC(2026, 10, 20, 8, 46));
      expect(event?.kind).toBe('notice');
    }
  });
});
