import { afterEach, expect, it } from 'vitest';
import console from '../../src/chat/console/index.ts';
import { peopleParams, sampleRunbook } from '../contracts/views.ts';
import { createHostDouble, type HostDouble, localKey } from '../doubles/chat-host.ts';
import { enterByKey } from '../journey/console-page.ts';

let double: HostDouble;
afterEach(() => double.close());

it('the form of a runbook shows people as a menu, and sends the one who was chosen', async () => {
  double = await createHostDouble({});
  const params = peopleParams({ about: 'Who is called' });
  double.view.runbooks = [sampleRunbook({ id: 'page', title: 'Page', params })];
  await console.open(console.options.parse({}), double.host);
  const at = await double.listen();
  const { cookie, csrf } = await enterByKey(at, localKey);
  const page = await (await fetch(`${at}/runbooks/page`, { headers: { cookie } })).text();
  const [owner = '', deputy = ''] = page.match(/<select id="param-[\s\S]*?<\/select>/g) ?? [];
  expect(owner).toMatch(/name="param\.owner"[^>]* required>/);
  expect(owner.match(/value="[^"]*"/g)).toEqual(['value=""', 'value="alice"', 'value="bob"']);
  expect(deputy).toMatch(/<option value="bob" selected>/);
  const sent = await fetch(`${at}/console/run`, {
    method: 'POST',
    body: new URLSearchParams({ csrf, runbook: 'page', 'param.owner': 'alice', 'param.deputy': '' }),
    headers: { origin: at, 'sec-fetch-site': 'same-origin', cookie },
  });
  expect(sent.status).toBe(200);
  expect(double.acts.map(one => one.act)).toEqual([
    { kind: 'run', runbook: 'page', params: { owner: 'alice' }, alert: null, reason: null },
  ]);
});
