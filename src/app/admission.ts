import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { considerGate } from '../flow/gates/consider.ts';
import { contextOf, createDoor, type Identity, listen } from '../http/admission/door.ts';
import { doorService } from '../http/admission/rulings.ts';
import { messageOf } from '../kernel/errors.ts';
import { fileError } from '../kernel/file-error.ts';
import { noEvidence } from '../model/gates/evidence.ts';
import type { Subject } from '../model/gates/subject.ts';
import type { KubernetesDoor } from '../ports/catalogue.ts';
import type { ChatHost } from '../ports/chat.ts';
import type { Base } from './base.ts';

export interface Admission {
  /** Why the API server gets no answers, or its certificate is not the newest; null when all is well or there is no such door. */
  trouble(): string | null;
  /** The port it listens on; null while it does not. */
  port(): number | null;
  close(): Promise<void>;
}

interface Open {
  server: Server;
  identity: Identity;
  /** What it was opened for. A change of it opens another. */
  address: string;
  port: number;
}

/** How often the files of the certificate are read again, milliseconds: cert-manager and kubelet replace them by links that no watch follows. */
const lookEvery = 2000;
/** How long requests under way may take at the end, milliseconds. */
const grace = 3000;

/**
 * The door for API servers of Kubernetes: it follows gates.yaml and the files of its certificate. Rejects when gates.yaml names it and it
 * cannot listen.
 */
export async function openAdmission(base: Base, host: ChatHost): Promise<Admission> {
  const { clock, log, catalogue } = base;
  const settings = () => catalogue.current().doors.kubernetes;
  const stopping = new AbortController();
  let open: Open | null = null;
  let trouble: string | null = null;
  let chain: Promise<void> = Promise.resolve();
  const parts = {
    ...{ clock, log, settings },
    ...{ store: base.store, knownBad: base.knownBad, metrics: base.metrics },
    act: host.act,
    preview: (gate: string, subject: Subject) => preview(gate, subject, base),
    linkTo: (gate: string) => `${host.baseUrl()}/gate/${encodeURIComponent(gate)}`,
  };

  async function follow(): Promise<void> {
    const wanted = settings();
    const address = wanted === null ? '' : addressOf(wanted);
    if (open !== null && open.address !== address) {
      const { server } = open;
      open = null;
      await closeServer(server, base);
    }
    if (wanted === null) return;
    const identity = await readIdentity(wanted);
    if (open === null) {
      const server = createDoor(identity, parts);
      open = { server, identity, address, port: await listen(server, wanted.listen) };
      log.info({ host: wanted.listen.host, port: open.port }, 'listening for AdmissionReviews');
    } else if (JSON.stringify(open.identity) !== JSON.stringify(identity)) {
      open.server.setSecureContext(contextOf(identity));
      open.identity = identity;
      log.info({ cert: wanted.cert }, 'the certificate for AdmissionReviews was read again');
    }
  }

  function followAgain(): Promise<void> {
    chain = chain
      .then(() => (stopping.signal.aborted ? undefined : follow()))
      .then(
        () => {
          trouble = null;
        },
        error => {
          const because = messageOf(error);
          if (because !== trouble)
            log.error({ because }, 'the door for AdmissionReviews is not as gates.yaml wants it');
          trouble = because;
        },
      );
    return chain;
  }

  async function goOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(lookEvery, stopping.signal).catch(() => {});
      await followAgain();
    }
  }

  await follow();
  const off = catalogue.onChange(() => void followAgain());
  const going = goOn();
  return {
    trouble: () => trouble,
    port: () => open?.port ?? null,
    async close() {
      off();
      stopping.abort();
      await going;
      await chain;
      if (open !== null) await closeServer(open.server, base);
    },
  };
}

/** Whether clients need a certificate is said once, when a server is created. */
function addressOf({ listen: { host, port }, clientCa }: KubernetesDoor): string {
  return `${host} ${port} ${clientCa === undefined}`;
}

async function readIdentity({ cert, key, clientCa }: KubernetesDoor): Promise<Identity> {
  const read = (file: string) =>
    readFile(file, 'utf8').catch(error => {
      throw fileError(error, file, 'doors.kubernetes', 'Name a file of gates.yaml that this user may read.');
    });
  const [ownCert, ownKey, ca] = await Promise.all([
    read(cert),
    read(key),
    clientCa === undefined ? null : read(clientCa),
  ]);
  return { cert: ownCert, key: ownKey, ca };
}

async function preview(name: string, subject: Subject, base: Base) {
  const question = { name, subject, evidence: noEvidence, door: 'kubernetes' as const, who: doorService };
  return (await considerGate(question, base)).decision;
}

async function closeServer(server: Server, { clock }: Base): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeIdleConnections();
  const nap = new AbortController();
  await Promise.race([closed, clock.sleep(grace, nap.signal).catch(() => {})]);
  nap.abort();
  server.closeAllConnections();
  await closed;
}
