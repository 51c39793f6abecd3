import { shortDigest } from '../../model/gates/subject.ts';

/** The verdict about one image, and why. */
export interface ImageVerdict {
  verdict: 'allow' | 'deny' | 'pending';
  /** As the container names it, for people. */
  image: string;
  because: string;
  /** The decision of a gate that it comes from; null for none. */
  gate: string | null;
  rule: string;
  /** True when somebody broke the glass for it. */
  glass: boolean;
}

export interface Answer {
  /** `failure`: decisions could not be read or written, and `onFailure` answers. */
  outcome: 'allow' | 'deny' | 'pending' | 'failure';
  allowed: boolean;
  /** For the one who made the request; empty when it is allowed. */
  message: string;
  /** The HTTP status that the API server gives its caller. */
  code: number;
  warnings: readonly string[];
  /** By keys that the API server takes: letters, digits, dot, dash. It puts the name of the webhook before them. */
  audit: Readonly<Record<string, string>>;
}

/** Source: the documentation of AdmissionResponse advises 120 characters; beyond 256 the API server may cut. */
const longestWarning = 120;
const longestMessage = 2000;
const longestAudit = 500;

export const pass: Answer = { outcome: 'allow', allowed: true, message: '', code: 200, warnings: [], audit: {} };

export function denied(message: string, code = 403): Answer {
  return { outcome: 'deny', allowed: false, message, code, warnings: [], audit: { verdict: 'deny' } };
}

/** One answer for all images of an object: allowed when all of them are. */
export function answerOf(
  verdicts: readonly ImageVerdict[],
  note: string | null,
  linkTo: (gate: string) => string,
): Answer {
  const against = verdicts.filter(({ verdict }) => verdict !== 'allow');
  const outcome = against.some(({ verdict }) => verdict === 'deny') ? 'deny' : against.length > 0 ? 'pending' : 'allow';
  const gates = verdicts.flatMap(({ gate }) => gate ?? []);
  const audit = {
    verdict: outcome,
    ...(gates.length === 0 ? {} : { decisions: gates.join(' ') }),
    rules: [...new Set(verdicts.map(({ rule }) => rule))].join(', '),
    ...(verdicts.some(({ glass }) => glass) ? { 'break-glass': 'true' } : {}),
  };
  const warnings = verdicts
    .filter(({ glass, verdict }) => glass && verdict === 'allow')
    .map(({ image, because }) => `${shortImage(image)} is let in by break-glass: ${because}`);
  if (outcome === 'allow') return { ...pass, warnings, audit };
  const lines = against.map(one => lineOf(one, linkTo));
  return {
    outcome,
    allowed: false,
    code: 403,
    warnings,
    audit,
    message: [...lines, ...(note === null ? [] : [note])].join('; '),
  };
}

function lineOf({ verdict, image, because, gate }: ImageVerdict, linkTo: (gate: string) => string): string {
  const link = gate === null ? '' : `, see ${linkTo(gate)}`;
  if (verdict === 'deny') return `${shortImage(image)} is denied: ${because}${link}`;
  return `${shortImage(image)} waits for approval (${because})${link}; once it is approved, the same request passes`;
}

function shortImage(image: string): string {
  const [name = '', digest] = image.split('@');
  return digest === undefined ? name : `${name.split('/').at(-1)}@${shortDigest(digest)}`;
}

/** The AdmissionReview that answers the request with this uid. */
export function reviewText(uid: string, { allowed, message, code, warnings, audit }: Answer): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(allowed
        ? {}
        : {
            status: {
              status: 'Failure',
              code,
              reason: code === 503 ? 'ServiceUnavailable' : 'Forbidden',
              message: line(message, longestMessage),
            },
          }),
      ...(warnings.length === 0 ? {} : { warnings: warnings.slice(0, 10).map(text => line(text, longestWarning)) }),
      ...(Object.keys(audit).length === 0
        ? {}
        : {
            auditAnnotations: Object.fromEntries(
              Object.entries(audit).map(([key, text]) => [key, line(text, longestAudit)]),
            ),
          }),
    },
  });
}

/** One line without control characters: warnings travel as HTTP headers. */
function line(text: string, most: number): string {
  const clean = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  return clean.length <= most ? clean : `${clean.slice(0, most - 1)}…`;
}
