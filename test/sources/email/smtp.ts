import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type Log, silentLog } from '../../../src/kernel/log.ts';
import { type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

/** An app with a mail door, and what it logged. */
export interface MailPlace {
  app: TestApp;
  port: number;
  logged: { facts: Record<string, unknown>; message: string }[];
}

export interface MailGiven {
  files?: Files;
  options?: object;
  app?: Parameters<typeof startTestApp>[1];
  /** What is logged is put there, while it starts too. */
  logged?: MailPlace['logged'];
}

export async function startMailPlace({
  options = {},
  files = {},
  app: more = {},
  logged = [],
}: MailGiven = {}): Promise<MailPlace> {
  const note = (facts: object, message = '') => void logged.push({ facts: facts as Record<string, unknown>, message });
  const log: Log = { ...silentLog, info: note, warn: note, error: note, child: () => log };
  const email = {
    port: 0,
    from: ['root@db-1.example.com', '*@cron.example.com'],
    to: ['alerts@tocsin.test'],
    ...options,
  };
  const config = `sources: { email: ${JSON.stringify(email)} }
people: { alice: {} }
operators: [alice]
tokens: [{ env: ALICE, person: alice }]
`;
  const app = await startTestApp({ 'tocsin.yaml': config, ...files }, { log, ...more });
  const { facts } = await app.until(async () => logged.find(({ message }) => message === 'takes mail'));
  return { app, logged, port: Number(facts['port']) };
}

/** A client that says what it is told, line by line. */
export interface Client {
  socket: Socket;
  /** Sends the lines and resolves to the reply: its last line. */
  say(...lines: string[]): Promise<string>;
  reply(): Promise<string>;
}

export async function dial(port: number, greeted: (reply: string) => void = () => {}): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const reply = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) return 'closed';
    return /^\d{3}-/.test(value) ? await reply() : value;
  };
  greeted(await reply());
  return {
    socket,
    reply,
    async say(...text) {
      socket.write(text.map(line => `${line}\r\n`).join(''));
      return await reply();
    },
  };
}

interface Sent {
  from?: string;
  to?: string[];
  /** The mail with its head; lines end in \n. */
  mail: string | Buffer;
  /** User and password. */
  auth?: [string, string];
}

/** Sends a mail in a session of its own, and resolves to the first reply that is no good, else to the last one. */
export async function send(
  port: number,
  { from = 'root@db-1.example.com', to = ['alerts@tocsin.test'], mail, auth }: Sent,
) {
  const client = await dial(port);
  try {
    const steps = ['EHLO db-1.example.com'];
    if (auth !== undefined) steps.push(`AUTH PLAIN ${Buffer.from(`\0${auth.join('\0')}`).toString('base64')}`);
    steps.push(`MAIL FROM:<${from}>`, ...to.map(one => `RCPT TO:<${one}>`), 'DATA');
    for (const step of steps) {
      const answer = await client.say(step);
      if (!/^[23]/.test(answer)) return answer;
    }
    const bytes = Buffer.isBuffer(mail) ? mail : Buffer.from(mail.replace(/\r?\n/g, '\r\n'));
    client.socket.write(bytes.toString('latin1').replace(/^\./gm, '..'), 'latin1');
    client.socket.write('\r\n.\r\n');
    return await client.reply();
  } finally {
    client.socket.destroy();
  }
}
