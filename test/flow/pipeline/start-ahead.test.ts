import { afterEach, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

let app: TestApp;
afterEach(() => app.stop());
const labels = { alertname: 'Hello' };
const at = (minutes: number) => ({ startsAt: new Date(Date.now() + minutes * 60_000).toISOString() });

test('a firing is not lost because the clock of Prometheus was ahead and is set right', async () => {
  app = await startTestApp({});
  const ahead = at(30);
  const { alert } = await app.alert(labels, ahead);
  await app.alert(labels, { status: 'resolved', ...ahead });
  await app.alert(labels, at(0));
  expect(await app.app.store.alert(alert)).toMatchObject({ state: 'firing' });
});
