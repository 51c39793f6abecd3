import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../../src/kernel/log.ts';
import type { EmitTools } from '../../../src/ports/emit.ts';
import { options } from '../../../src/sources/email/options.ts';
import { type MailDoor, type MailLimits, mailDoorLimits, openMailDoor } from '../../../src/sources/email/server.ts';
import { createPlace, type FlowNode, type FlowPlace } from '../../flow/place.ts';
import { dial, send } from './smtp.ts';

let place: FlowPlace;
const doors: MailDoor[] = [];
afterEach(async () => {
  for (const door of doors.splice(0)) await door.stop();
  await place.close();
});

const given = options.parse({
  port: 0,
  from: ['*'],
  to: ['*'],
  rules: [{ subject: '^(?P<what>.*)$', fingerprint: 'found.what' }],
});

async function openAt(node: FlowNode, limits: Partial<MailLimits> = {}): Promise<number> {
  const tools = {
    clock: node.clock,
    log: silentLog,
    deliver: (events, once, made) => node.intake.emit('email', events, once, undefined, [], made),
    refused: () => {},
    trouble: () => {},
  } satisfies Partial<EmitTools> as unknown as EmitTools;
  const door = await openMailDoor(given, tools, { ...mailDoorLimits, ...limits });
  doors.push(door);
  return door.port() ?? 0;
}

test('a mail that reaches two nodes at once, and again, counts once', async () => {
  place = await createPlace();
  const ports = [await openAt(place.node), await openAt(place.another())];
  const mail = 'Subject: disk full\nMessage-ID: <1@db-1>\n\ntext\n';
  const replies = await Promise.all([...ports, ...ports, ...ports].map(port => send(port, { mail })));
  expect(replies.filter(reply => reply === '250 Taken')).toHaveLength(1);
  expect(replies.filter(reply => reply === '250 Taken before')).toHaveLength(5);
  expect(await place.facts('event.accepted')).toHaveLength(1);
});

test('what all clients send together is bounded, and the rest is asked to come again', async () => {
  place = await createPlace();
  const port = await openAt(place.node, { bytes: 40_000 });
  const mail = (length: number) => `Subject: disk full\n\n${`${'x'.repeat(70)}\n`.repeat(length / 71)}`;
  expect(await send(port, { mail: mail(100_000) })).toBe('451 Not now; try again later');
  expect(await send(port, { mail: mail(20_000) })).toBe('250 Taken');
});

test('a client that only keeps its connection is cut off', async () => {
  place = await createPlace();
  const port = await openAt(place.node, { longest: 500 });
  const client = await dial(port);
  const closed = once(client.socket, 'close');
  for (const step of ['EHLO x', 'MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'DATA']) await client.say(step);
  // It is never silent, so that nothing else ends it.
  const talk = setInterval(() => client.socket.write('x'), 5);
  await closed.finally(() => clearInterval(talk));
  const after = await dial(port, reply => expect(reply).toMatch(/^220 /));
  after.socket.destroy();
});

test('one client too many is asked to come again', async () => {
  place = await createPlace();
  const port = await openAt(place.node, { clients: 2 });
  const clients = [await dial(port), await dial(port)];
  for (const one of clients) expect(await one.say('EHLO x')).toMatch(/^250 /);
  const third = await dial(port, reply => expect(reply).toMatch(/^421 /));
  third.socket.destroy();
  for (const one of clients) one.socket.destroy();
});
