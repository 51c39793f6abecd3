import { readFile } from 'node:fs/promises';
import type { SMTPServer, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import { fileError } from '../../kernel/file-error.ts';
import { checkToken } from '../../kernel/signature.ts';
import { shareWork } from '../../model/expression/expression.ts';
import type { EmitTools } from '../../ports/emit.ts';
import { onceOf, readMail } from './mail.ts';
import { isListed, isLoopback, type Options } from './options.ts';
import { eventOf } from './rules.ts';

/** Limits of the door. Times are milliseconds. */
export interface MailLimits {
  /** Connections at one time, recipients of a mail, bytes of a command. */
  clients: number;
  recipients: number;
  command: number;
  /** Silence of a client, and the longest that a connection may last, so that slow clients do not keep others out. */
  silence: number;
  longest: number;
  /** Until a stop cuts off. */
  close: number;
  /** Bytes of all mails that are being received. */
  bytes: number;
}

export const mailDoorLimits: MailLimits = {
  clients: 50,
  recipients: 20,
  command: 2048,
  silence: 60_000,
  longest: 600_000,
  close: 5000,
  bytes: 64 * 1024 * 1024,
};

/** Milliseconds between two tries to listen: the address may be another process's, or that of these options before they were edited. */
const listenAgain = 1000;

/** What an SMTP client is answered. 4xx: its queue tries again. 5xx: it gives up and tells its sender. */
class Reply extends Error {
  readonly responseCode: number;
  constructor(code: number, text: string) {
    super(text);
    this.responseCode = code;
  }
}

/** The open door. */
export interface MailDoor {
  /** Where it listens; null while it cannot. */
  port(): number | null;
  stop(): Promise<void>;
}

/** Opens the door, and goes on trying while the address is in use. Rejects when the files of `tls` cannot be read. */
export async function openMailDoor(
  given: Options,
  tools: EmitTools,
  limits: MailLimits = mailDoorLimits,
): Promise<MailDoor> {
  const stopping = new AbortController();
  const busy = new Set<Promise<void>>();
  const make = await serverOf({ given, tools, limits, held: { bytes: 0 } }, work => {
    busy.add(work);
    void work.finally(() => busy.delete(work));
  });
  let server: SMTPServer | null = null;
  const opened = listen();

  async function listen(): Promise<void> {
    let troubled = false;
    while (!stopping.signal.aborted && server === null) {
      try {
        server = await listenOn(make(), given);
        tools.log.info({ host: given.host, port: portOf(server) }, 'takes mail');
      } catch (error) {
        if (!troubled) tools.trouble(`It cannot listen at ${given.host} port ${given.port}: ${messageOf(error)}.`);
        troubled = true;
        await tools.clock.sleep(listenAgain, stopping.signal).catch(() => {});
      }
    }
    // What another door of the source says is left alone.
    if (troubled) tools.trouble(null);
  }

  // The first try is awaited, so that a door that can open is open once Tocsin is.
  await Promise.race([opened, tools.clock.sleep(listenAgain / 2, stopping.signal).catch(() => {})]);
  return {
    port: () => (server === null ? null : portOf(server)),
    async stop() {
      stopping.abort();
      await opened;
      await new Promise<void>(resolve => (server === null ? resolve() : server.close(() => resolve())));
      await Promise.allSettled(busy);
    },
  };
}

function portOf(server: SMTPServer): number | null {
  const address = server.server.address();
  return address !== null && typeof address === 'object' ? address.port : null;
}

async function listenOn(server: SMTPServer, { host, port }: Options): Promise<SMTPServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // A connection that breaks is the client's affair.
  server.on('error', () => {});
  return server;
}

/** What the handlers of one door share. */
interface DoorParts {
  given: Options;
  tools: EmitTools;
  limits: MailLimits;
  /** What was received of mails that are not answered. */
  held: { bytes: number };
}

async function serverOf(parts: DoorParts, working: (work: Promise<void>) => void): Promise<() => SMTPServer> {
  const { given, tools, limits } = parts;
  const { SMTPServer } = await import('smtp-server');
  const { auth, tls } = given;
  const files = tls === undefined ? {} : { cert: await read(tls.cert), key: await read(tls.key) };
  const refuse = (session: SMTPServerSession, at: string, because: string) =>
    tools.refused({ code: 'bad-signature', at, because, proven: isProven(session) });
  const timers = new Map<string, NodeJS.Timeout>();
  return () => {
    const server: SMTPServer = new SMTPServer({
      ...files,
      secure: tls?.implicit === true,
      banner: 'Tocsin',
      name: 'tocsin',
      size: given.maxBytes,
      disabledCommands: [...(auth === undefined ? ['AUTH'] : []), ...(tls === undefined ? ['STARTTLS'] : [])],
      authMethods: ['PLAIN', 'LOGIN'],
      authOptional: auth === undefined,
      // On loopback nobody is between; elsewhere the options ask for TLS.
      allowInsecureAuth: isLoopback(given.host),
      disableReverseLookup: true,
      maxClients: limits.clients,
      maxRecipients: limits.recipients,
      maxCommandLength: limits.command,
      socketTimeout: limits.silence,
      closeTimeout: limits.close,
      logger: false,
      onConnect(session, done) {
        const cut = () => {
          for (const one of server.connections) if (one.session.id === session.id) one.close();
        };
        timers.set(session.id, setTimeout(cut, limits.longest).unref());
        done();
      },
      onClose({ id }) {
        clearTimeout(timers.get(id));
        timers.delete(id);
      },
      onAuth({ username, password }, session, done) {
        const rightUser = checkToken(username ?? null, [auth?.user ?? '']);
        const rightPassword = checkToken(password ?? null, auth?.password ?? []);
        if (rightUser && rightPassword) return done(null, { user: username });
        refuse(session, 'auth', 'Another user or password than is configured.');
        done(new Reply(535, 'Another user or password than is configured'));
      },
      onMailFrom({ address }, session, done) {
        if (isListed(address, given.from)) return done();
        refuse(session, 'from', 'A sender that from does not list.');
        done(new Reply(550, 'This sender may not send here'));
      },
      onRcptTo({ address }, session, done) {
        if (isListed(address, given.to)) return done();
        refuse(session, 'to', 'A recipient that to does not list.');
        done(new Reply(550, 'There is no such recipient here'));
      },
      onData(stream, session, done) {
        working(
          take(stream, session, parts).then(
            text => done(null, text),
            error => done(replyOf(error, session, tools)),
          ),
        );
      },
    });
    return server;
  };
}

async function read(path: string): Promise<Buffer> {
  return await readFile(path).catch(error => {
    throw fileError(error, path);
  });
}

function isProven(session: SMTPServerSession): boolean {
  return typeof session.user === 'string';
}

/** Resolves once what the mail says is durable. */
async function take(stream: SMTPServerDataStream, session: SMTPServerSession, parts: DoorParts): Promise<string> {
  const { given, tools, held, limits } = parts;
  const chunks: Buffer[] = [];
  let own = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      // The rest of a mail that is refused is read and thrown away: only after its end the client listens.
      if (stream.sizeExceeded || held.bytes > limits.bytes) continue;
      own += chunk.length;
      held.bytes += chunk.length;
      chunks.push(chunk);
    }
    if (stream.sizeExceeded)
      throw new TocsinError('body-too-large', { at: 'maxBytes', allowed: `${given.maxBytes} bytes` });
    if (held.bytes > limits.bytes) throw new TocsinError('overloaded');
    return await deliver(Buffer.concat(chunks), session, given, tools);
  } finally {
    held.bytes -= own;
  }
}

async function deliver(bytes: Buffer, session: SMTPServerSession, given: Options, tools: EmitTools): Promise<string> {
  const { mailFrom, rcptTo } = session.envelope;
  const envelope = { sender: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(one => one.address) };
  const mail = await readMail(bytes, envelope);
  const proven = isProven(session);
  const once = onceOf(
    mail,
    proven ? String(session.user) : null,
    `${session.id}/${session.transaction}/${tools.clock.now()}`,
  );
  // All expressions of a mail together have the work of one delivery.
  const event = shareWork(() => eventOf(mail, given, tools.clock.now()));
  const fresh = await tools.deliver([event], once, { trusted: proven, raw: Buffer.from(JSON.stringify(mail)) });
  return fresh ? 'Taken' : 'Taken before';
}

const gone = new Set(['ECONNECTION', 'ERR_STREAM_PREMATURE_CLOSE']);

function replyOf(error: unknown, session: SMTPServerSession, tools: EmitTools): Reply {
  const proven = isProven(session);
  if (isCode(error, 'body-too-large')) {
    tools.refused({ code: error.code, at: 'maxBytes', because: `Allowed: ${error.allowed}.`, proven });
    return new Reply(552, 'The mail is too large');
  }
  if (isCode(error, 'bad-body')) {
    tools.refused({ code: error.code, at: null, because: error.message, proven });
    return new Reply(554, 'The mail cannot be read');
  }
  // The client went away in the middle of it, and its queue still has the mail.
  if (error instanceof Error && 'code' in error && gone.has(String(error.code))) return new Reply(451, 'Not now');
  // Overload, a failing store, and whatever nobody thought of: the queue of the sender keeps the mail.
  const code = error instanceof TocsinError ? error.code : 'internal';
  tools.refused({
    code,
    at: null,
    because: 'A mail could not be made durable now; its sender keeps it.',
    proven: false,
  });
  if (code === 'internal') tools.log.error({ because: messageOf(error) }, 'a mail could not be taken');
  return new Reply(451, 'Not now; try again later');
}
