import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { freePort } from '../../e2e/programs.ts';
import { dial, sendTcp } from '../../sources/syslog/place.ts';

let app: TestApp | null = null;
afterEach(async () => {
  await app?.stop();
  app = null;
});

const configOf = (port: number, more = '') => `
sources:
  syslog:
    tcp: { port: ${port} }
    detect:
      - name: refused
        where: record.message.startsWith("refused")
        by: [record.app]
        count: { atLeast: 3, within: 5m }
${more}people: { alice: {}, bob: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
`;

// Without a time each counts when it arrives.
const line = (n: number) => `<38>sshd: refused ${n}\n`;

async function connected(port: number): Promise<void> {
  for (;;) {
    const socket = await dial(port).catch(() => null);
    if (socket !== null) return void socket.destroy();
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test('messages before and after other options at the same port count together, and the alert is not believed', async () => {
  const port = await freePort();
  app = await startTestApp({ 'tocsin.yaml': configOf(port) });
  const it = app;
  await connected(port);
  await sendTcp(port, line(1));
  await sendTcp(port, line(2));
  await writeFile(join(it.folder, 'tocsin.yaml'), configOf(port, '    timezone: Europe/Berlin\n'));
  await it.app.catalogue.reload();
  await it.until(async () => {
    const known = it.app.catalogue.current().sources.get('syslog')?.options as { timezone?: string } | undefined;
    return known?.timezone === 'Europe/Berlin';
  });
  await connected(port);
  await sendTcp(port, line(3));
  const [alert] = await it.until(async () => {
    const alerts = await it.app.store.alerts({});
    return alerts.length > 0 && alerts;
  });
  expect(alert).toMatchObject({ labels: { rule: 'refused', app: 'sshd' }, annotations: { count: '3' } });
  const events = (await it.journal()).flatMap(({ fact }) =>
    fact.kind === 'event.accepted' ? [fact.event.trusted] : [],
  );
  expect(events).toEqual([false]);
});
