import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:https';

/** What an API server is told of an object that somebody wants to write. */
export interface Write {
  operation?: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  group?: string;
  kind: string;
  namespace?: string;
  user?: string;
  groups?: readonly string[];
  object?: unknown;
  oldObject?: unknown;
  dryRun?: boolean;
  subResource?: string;
}

export interface Admitted {
  allowed: boolean;
  /** The message for the one who wrote, as kubectl shows it. */
  message: string;
  code: number;
  reason: string;
  warnings: string[];
  audit: Record<string, string>;
}

export interface ApiServer {
  /** Calls the webhook as the API server does. Rejects where the API server would say "failed calling webhook". */
  admit(write: Write): Promise<Admitted>;
  /** Sends any body; resolves to the status and the parsed answer. */
  send(
    body: string | Buffer,
    headers?: Record<string, string>,
    how?: { method?: string; path?: string },
  ): Promise<{ status: number; body: unknown }>;
  close(): void;
}

/** Source: k8s.io/apiserver/pkg/admission/plugin/webhook, and ValidateQualifiedName of the keys of audit annotations. */
const auditKey = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/**
 * The part of an API server that calls validating webhooks of admission.k8s.io/v1. It is as strict as the real one: the certificate must be
 * of the authority, the answer must come in time, with status 200, version v1 and the uid of the request.
 */
export function createApiServer(options: {
  port: number;
  ca: string;
  cert?: string;
  key?: string;
  /** Seconds, timeoutSeconds of the webhook configuration. */
  timeout?: number;
}): ApiServer {
  const { port, ca, cert, key, timeout = 30 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ca, ...(cert && key ? { cert, key } : {}) });

  const send: ApiServer['send'] = (
    body,
    headers = {},
    { method = 'POST', path = `/admission?timeout=${timeout}s` } = {},
  ) =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          agent,
          host: '127.0.0.1',
          port,
          servername: 'localhost',
          method,
          path,
          headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
          timeout: timeout * 1000,
        },
        response => {
          const chunks: Buffer[] = [];
          response.on('error', reject);
          response.on('data', chunk => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) });
          });
        },
      );
      sent.on('timeout', () => sent.destroy(new Error('context deadline exceeded')));
      sent.on('error', reject);
      sent.end(body);
    });

  return {
    send,
    async admit(write) {
      const uid = randomUUID();
      const { status, body } = await send(JSON.stringify(reviewOf(uid, write)));
      if (status !== 200) throw new Error(`failed calling webhook: ${status} ${JSON.stringify(body)}`);
      return readAnswer(uid, body);
    },
    close: () => agent.destroy(),
  };
}

/** The review that an API server makes of a write. */
export function reviewOf(uid: string, write: Write): object {
  const { operation = 'CREATE', group = '', kind, namespace = 'shop', dryRun = false, subResource } = write;
  const { user = 'alice@acme.example', groups = ['system:authenticated'] } = write;
  const resource = { group, version: 'v1', resource: `${kind.toLowerCase()}s` };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group, version: 'v1', kind },
      resource,
      ...(subResource === undefined ? {} : { subResource, requestSubResource: subResource }),
      requestKind: { group, version: 'v1', kind },
      requestResource: resource,
      namespace,
      operation,
      userInfo: { username: user, groups },
      object: write.object ?? null,
      oldObject: write.oldObject ?? null,
      dryRun,
      options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the answer is checked here member by member
function readAnswer(uid: string, body: any): Admitted {
  const fail = (because: string) => new Error(`failed calling webhook: ${because}: ${JSON.stringify(body)}`);
  if (body?.apiVersion !== 'admission.k8s.io/v1' || body?.kind !== 'AdmissionReview')
    throw fail('wrong version or kind');
  const { response } = body;
  if (response?.uid !== uid) throw fail('expected response.uid of the request');
  if (typeof response.allowed !== 'boolean') throw fail('allowed is no boolean');
  if (response.patch !== undefined || response.patchType !== undefined)
    throw fail('a validating webhook patches nothing');
  const { status = {}, warnings = [], auditAnnotations = {} } = response;
  for (const [key, value] of Object.entries(auditAnnotations))
    if (!auditKey.test(key) || typeof value !== 'string') throw fail(`audit annotation ${key}`);
  // Longer ones are cut, and control characters are no header.
  for (const one of warnings)
    if (typeof one !== 'string' || one.length > 256 || /\p{Cc}/u.test(one)) throw fail('warning');
  return {
    allowed: response.allowed,
    message: status.message ?? '',
    // A denial with a status below 400 is made a 400.
    code: response.allowed ? 200 : Math.max(400, status.code ?? 0),
    reason: status.reason ?? '',
    warnings,
    audit: auditAnnotations,
  };
}
