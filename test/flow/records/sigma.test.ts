import { afterEach, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

let app: TestApp | null = null;
afterEach(async () => {
  await app?.stop();
  app = null;
});

const files = {
  'tocsin.yaml': `
sources:
  records:
    token: log-secret
    sigma:
      files: [./sigma]
      logsources: [{ product: linux, service: sshd, where: record.app == "sshd" }]
      fields: { User: login.user }
people: { alice: {}, bob: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
`,
  'sigma/logins.yml': `
title: A login was refused
name: refused
logsource: { product: linux, service: sshd }
detection:
  selection: { event|endswith: refused }
  ours: { ip|cidr: 10.0.0.0/8 }
  condition: selection and not ours
---
title: Many refused logins
id: many-refused
level: high
tags: [attack.t1110]
references: ["https://attack.mitre.org/techniques/T1110/"]
correlation:
  type: event_count
  rules: [refused]
  group-by: [User]
  timespan: 10m
  condition: { gte: 3 }
`,
};

const line = (user: string, ip: string, more: object = {}) =>
  JSON.stringify({ app: 'sshd', event: 'LOGIN-REFUSED', ip, login: { user }, ...more });

test('a correlation of Sigma counts over batches, and its alert says what the rule says', async () => {
  app = await startTestApp(files);
  const it = app;
  const send = async (...lines: string[]) => {
    const answer = await fetch(`${it.app.url}/events/records`, {
      method: 'POST',
      headers: { authorization: 'Bearer log-secret' },
      body: lines.join('\n'),
    });
    return (await answer.json()) as { records: number; alerts: number };
  };
  expect(await send(line('ann', '192.0.2.1'), line('ann', '10.0.0.1'), line('bob', '192.0.2.1'))).toMatchObject({
    records: 3,
    alerts: 0,
  });
  expect(await send(line('ann', '192.0.2.2'), line('bob', '192.0.2.2', { app: 'su' }))).toMatchObject({ alerts: 0 });
  expect(await send(line('ann', '192.0.2.3'))).toMatchObject({ alerts: 1 });
  const alerts = await it.app.store.alerts({});
  expect(alerts).toMatchObject([
    {
      title: 'Many refused logins: ann',
      severity: 'error',
      labels: { rule: 'many-refused', sigma: 'Many refused logins', attack: 't1110', User: 'ann' },
      links: [{ label: 'attack.mitre.org', url: 'https://attack.mitre.org/techniques/T1110/' }],
      annotations: { count: '3' },
    },
  ]);
});
