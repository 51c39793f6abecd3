import { expect, it } from 'vitest';
import { readable, startSlack } from '../doubles/slack/index.ts';
import { openSlack, useLater } from '../journey/setup.ts';

const later = useLater();
const tries = Array.from({ length: 50 }, (_, n) => n);
/** Channels, so that Slack's limit for each is not what is measured. */
const rooms = Array.from({ length: 10 }, (_, n) => n);

const files = {
  'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { slack: T0ACME/U0ALICE } }
groups: { sre: [alice] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
routes:
${rooms.map(n => `  - { to: ["slack:#room-${n}"], when: 'labels.room == "${n}"' }`).join('\n')}
`,
  'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre, expires: 1h }\n',
  'runbooks/careful.yaml': `
title: Be careful
risk: high
on:
  - source: alertmanager
    match: { alertname: Careful }
params:
  n: { type: string, pattern: "[0-9]+", from: labels.n }
target: params.n
steps:
  - { id: go, exec: [echo, "\${{ params.n }}"], idempotent: true }
`,
};

function alertOf(labels: Record<string, string>, summary: string) {
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  return {
    status: 'firing',
    labels: { alertname: 'Careful', ...labels },
    annotations: { summary },
    startsAt,
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: `f${labels['n']}`,
  };
}

it('of fifty deliveries that update a known alert and open a new one that asks, no card is lost', async () => {
  const slack = await startSlack();
  for (const n of rooms)
    slack.world.channels.set(`C0ROOM${n}`, { id: `C0ROOM${n}`, name: `room-${n}`, private: false, member: true });
  const { app } = await openSlack(later, files, { slack });
  const send = async (...alerts: unknown[]) => {
    const answer = await app.call('POST', '/events/alertmanager', {
      as: null,
      headers: { authorization: 'Bearer alert-secret' },
      body: { version: '4', status: 'firing', alerts },
    });
    expect(answer.status).toBe(202);
  };
  const asks = (n: number) => slack.world.messages.filter(one => readable(one).includes(`Question ${n}.`));
  const wait = async (holds: () => boolean, what: string) => {
    for (let looks = 0; !holds(); looks++) {
      if (looks > 1200) throw new Error(`${what} did not come in a minute`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  };
  await send(alertOf({ n: '1000', room: '0' }, 'known'));
  for (const n of tries) {
    const fresh = alertOf({ n: String(n), room: String(n % rooms.length) }, `Question ${n}.`);
    await send(alertOf({ n: '1000', room: '0' }, `known, for the ${n}th time`), fresh);
    // The next one comes when the thread is begun, so that each meets the same race.
    await wait(() => asks(n).length > 0, `the thread of try ${n}`);
  }
  const cards = () => slack.world.messages.filter(one => one.thread_ts !== undefined && /May vote/.test(readable(one)));
  await wait(() => cards().length >= tries.length + 1, 'the last card');
  expect(cards()).toHaveLength(tries.length + 1);
  const { body } = await app.call('GET', '/readyz', { as: null });
  expect(body.parts['chat slack']).toBeNull();
}, 300_000);
