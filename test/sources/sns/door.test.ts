import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { type SnsDouble, startSnsDouble, token, topic } from '../../doubles/sns.ts';
import { makeCertificate } from '../../kernel/egress/certificate.ts';

const alarm = (state: 'ALARM' | 'OK', time: number) =>
  JSON.stringify({
    AlarmName: 'disk-full',
    AWSAccountId: '123456789012',
    NewStateValue: state,
    OldStateValue: state === 'OK' ? 'ALARM' : 'OK',
    StateChangeTime: new Date(time).toISOString(),
    AlarmArn: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:disk-full',
    AlarmDescription: '{"severity":"critical"}',
  });
const runbook = `title: Look
risk: none
on: [{ source: sns, match: { alertname: disk-full } }]
steps: [{ id: look, exec: ["true"], idempotent: true }]
`;

let sns: SnsDouble;
let place: TestApp;
beforeEach(async () => {
  sns = await startSnsDouble(Date.now);
});
afterEach(async () => {
  await place?.stop();
  await sns.close();
});

async function open(options: object = {}) {
  const sources = { sns: { topics: [topic], ...options } };
  const files = {
    'tocsin.yaml': basicConfig.replace(/sources:\n.*\n/, `sources: ${JSON.stringify(sources)}\n`),
    'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
    'runbooks/look.yaml': runbook,
  };
  place = await startTestApp(files, { fetchPublic: sns.fetch, clock: systemClock });
}

/** As SNS posts: JSON that is called text. */
async function post(body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${place.app.url}/events/sns`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers },
    body,
  });
  const text = await answer.text();
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), ...JSON.parse(text) };
}
const notices = async () =>
  (await place.journal()).flatMap(({ fact }) =>
    fact.kind === 'event.accepted' && fact.event.body.kind === 'notice' ? [fact.event.body] : [],
  );

describe('with a certificate that SNS serves', () => {
  test('an alarm opens an alert, its runbook runs by itself, and its end ends it', async () => {
    await open();
    const fired = await post(sns.message({ Message: alarm('ALARM', Date.now() - 2000) }));
    expect(fired.status).toBe(202);
    const run = await place.until(async () => (await place.runs())[0]);
    expect(run).toMatchObject({ runbook: 'look', alert: fired.accepted[0].alert });
    const ended = await post(sns.message({ Message: alarm('OK', Date.now() - 1000) }));
    expect(ended.accepted[0].alert).toBe(fired.accepted[0].alert);
    expect(await place.app.store.alert(ended.accepted[0].alert)).toMatchObject({
      state: 'resolved',
      severity: 'critical',
    });
    expect(sns.requests).toEqual(['sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c.pem']);
  });

  test('the same message again is a duplicate', async () => {
    await open();
    const body = sns.message({ Message: alarm('ALARM', Date.now()) });
    const [first, second] = [await post(body), await post(body)];
    expect(second.accepted).toEqual([{ ...first.accepted[0], duplicate: true }]);
  });

  test('a certificate that cannot be fetched now is answered 503, after which SNS tries again', async () => {
    await open();
    const body = sns.message({ Message: alarm('ALARM', Date.now()) });
    for (const mood of ['down', 'redirects', 500, 407] as const) {
      sns.mood = mood;
      const answer = await post(body);
      expect([answer.status, answer.error.code], `${mood}`).toEqual([503, 'key-unreachable']);
      expect(answer.retryAfter).not.toBeNull();
      expect(JSON.stringify(answer)).not.toContain('amazonaws');
    }
    const told = await place.until(async () =>
      (await place.journal()).find(({ fact }) => fact.kind === 'source.refused'),
    );
    expect(told.fact).toMatchObject({ source: 'sns', code: 'key-unreachable', at: null });
    sns.mood = 'well';
    expect((await post(body)).status).toBe(202);
  });

  test('a certificate that is not there is refused like a wrong signature', async () => {
    await open();
    const other = 'https://sns.eu-west-1.amazonaws.com/other.pem';
    const answer = await post(sns.message({ SigningCertURL: other }));
    expect([answer.status, answer.error.code]).toEqual([401, 'bad-signature']);
  });

  test('of another topic, host or key nothing is stored, and for the first two nothing is asked', async () => {
    await open();
    const forged = makeCertificate('sns.amazonaws.com', { rsa: 2048 });
    for (const body of [
      sns.message({ TopicArn: 'arn:aws:sns:eu-west-1:999999999999:alarms' }),
      sns.message({ SigningCertURL: 'https://evil.example/x.pem' }),
      '{}',
      'no message',
    ])
      expect((await post(body)).status).toBe(401);
    expect(sns.requests).toEqual([]);
    expect((await post(sns.message({}, forged))).status).toBe(401);
    expect((await post(sns.message(), { 'x-amz-sns-rawdelivery': 'true' })).status).toBe(401);
    expect((await place.journal()).some(({ fact }) => fact.kind === 'event.accepted')).toBe(false);
  });
});

describe('a subscription', () => {
  const confirmation = () => sns.message({ Type: 'SubscriptionConfirmation' });

  test('is confirmed by itself only where the option says so', async () => {
    await open();
    expect((await post(confirmation())).status).toBe(202);
    expect(sns.confirmed).toEqual([]);
    expect(await notices()).toMatchObject([
      { type: 'subscription', labels: { confirm: expect.stringContaining(token) } },
    ]);
  });

  test('is confirmed with the option, and that is told', async () => {
    await open({ confirm: true });
    expect((await post(confirmation())).status).toBe(202);
    expect(sns.confirmed).toEqual([token]);
    expect(await notices()).toMatchObject([{ type: 'subscribed', title: 'Subscribed to the topic alarms' }]);
  });

  test('that SNS does not confirm is told with why, and how to do it by hand', async () => {
    await open({ confirm: true });
    await post(sns.message());
    sns.mood = 403;
    expect((await post(confirmation())).status).toBe(202);
    const told = (await notices()).at(-1);
    expect(told).toMatchObject({ type: 'subscription', title: expect.stringContaining('it answered 403') });
    expect(told?.labels['confirm']).toContain(token);
  });

  test('of a topic that does not lead here, or with a forged signature, is never confirmed', async () => {
    await open({ confirm: true });
    const forged = makeCertificate('sns.amazonaws.com', { rsa: 2048 });
    const facts = { Type: 'SubscriptionConfirmation' };
    await post(sns.message({ ...facts, TopicArn: 'arn:aws:sns:eu-west-1:999999999999:alarms' }));
    await post(sns.message(facts, forged));
    await post(sns.message({ ...facts, SignatureVersion: '1' }));
    expect(sns.confirmed).toEqual([]);
    expect(await notices()).toMatchObject([{ type: 'weak-signature' }]);
  });
});

test('a password in the address of the subscription is asked for, as SNS needs it', async () => {
  await open({ basic: { user: 'sns', password: 'secret' } });
  const address = place.app.url.replace('http://', 'http://sns:secret@');
  const raw = { 'x-amz-sns-rawdelivery': 'true', 'x-amz-sns-topic-arn': topic };
  for (const [body, headers] of [
    [sns.message(), {}],
    [alarm('ALARM', Date.now()), raw],
  ] as const) {
    const answers = await sns.post(`${address}/events/sns`, body, headers);
    expect(answers.map(({ status }) => status)).toEqual([401, 202]);
  }
  const other = place.app.url.replace('http://', 'http://sns:guessed@');
  const refused = await sns.post(`${other}/events/sns`, sns.message());
  expect(refused.map(({ status }) => status)).toEqual([401, 401]);
});

test('a raw message of a proven sender for another topic is refused, and the operators are told', async () => {
  await open({ basic: { user: 'sns', password: 'secret' } });
  const authorization = `Basic ${Buffer.from('sns:secret').toString('base64')}`;
  const raw = { authorization, 'x-amz-sns-rawdelivery': 'true', 'x-amz-sns-topic-arn': topic };
  expect((await post(alarm('ALARM', Date.now()), raw)).status).toBe(202);
  const refused = await post('text', { ...raw, 'x-amz-sns-topic-arn': `${topic}2` });
  expect([refused.status, refused.error.at]).toEqual([422, 'x-amz-sns-topic-arn']);
  const told = await place.until(async () =>
    (await place.journal()).find(({ fact }) => fact.kind === 'source.refused'),
  );
  expect(told.fact).toMatchObject({ source: 'sns', code: 'bad-body', at: 'x-amz-sns-topic-arn' });
});
