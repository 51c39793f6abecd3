import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { parseStrictJson } from '../../kernel/strict-json.ts';

type JsonObject = { [key: string]: Json };

/** What is used of an AdmissionReview. Source: k8s.io/api/admission/v1, AdmissionRequest. */
export interface Review {
  uid: string;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** The kind of the object, in the version that the webhook configuration asked for. */
  group: string;
  kind: string;
  /** Empty for what is in no namespace. */
  namespace: string;
  user: string;
  groups: readonly string[];
  dryRun: boolean;
  object: JsonObject | null;
  oldObject: JsonObject | null;
}

/** An object in etcd has 1.5 MiB at most, and a review holds two; an annotation may hold a whole manifest. */
const limits = { depth: 64, keys: 200_000, string: 1024 * 1024 };
const version = 'admission.k8s.io/v1';
const operations = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;

/** Parses a body strictly. Unknown keys are taken: API servers add some with every version. Throws `bad-body`, with nothing of the body but its version. */
export function parseReview(body: Buffer): Review {
  const review = parseStrictJson(body, limits);
  if (!isObject(review)) throw bad('The body is no AdmissionReview.', 'an object');
  checkVersion(review);
  const request = objectOf(review['request'], 'request');
  const kind = objectOf(request['kind'], 'request.kind');
  const user = objectOf(request['userInfo'] ?? {}, 'request.userInfo');
  const groups = user['groups'] ?? [];
  if (!Array.isArray(groups) || !groups.every(one => typeof one === 'string'))
    throw bad('The groups of the user are not a list of texts.', 'a list of texts', 'request.userInfo.groups');
  const operation = operations.find(one => one === request['operation']);
  if (operation === undefined) throw bad('The operation is none.', operations.join(', '), 'request.operation');
  const dryRun = request['dryRun'] ?? false;
  if (typeof dryRun !== 'boolean') throw bad('dryRun is neither true nor false.', 'true or false', 'request.dryRun');
  return {
    uid: uidOf(request['uid']),
    operation,
    group: textOf(kind['group'] ?? '', 'request.kind.group'),
    kind: textOf(kind['kind'], 'request.kind.kind'),
    namespace: textOf(request['namespace'] ?? '', 'request.namespace'),
    user: textOf(user['username'] ?? '', 'request.userInfo.username'),
    groups: groups as string[],
    dryRun,
    object: orNull(request['object'], 'request.object'),
    oldObject: orNull(request['oldObject'], 'request.oldObject'),
  };
}

function checkVersion({ apiVersion, kind }: JsonObject): void {
  if (kind !== 'AdmissionReview') throw bad('The body is no AdmissionReview.', 'kind: AdmissionReview', 'kind');
  if (apiVersion === version) return;
  const given = typeof apiVersion === 'string' && /^admission\.k8s\.io\/v\w{1,10}$/.test(apiVersion) ? apiVersion : '';
  throw new TocsinError('bad-body', {
    message: 'The AdmissionReview has a version that this door does not speak.',
    at: 'apiVersion',
    allowed: version,
    ...(given === '' ? {} : { given }),
    remedy: 'Write admissionReviewVersions: [v1] in the webhook configuration.',
  });
}

function uidOf(uid: Json | undefined): string {
  if (typeof uid === 'string' && /^[\x21-\x7e]{1,128}$/.test(uid)) return uid;
  throw bad('The request has no uid.', '1 to 128 printable characters', 'request.uid');
}

function textOf(value: Json | undefined, at: string): string {
  if (typeof value === 'string' && value.length <= 1000) return value;
  throw bad('A text is missing or too long.', 'a text of at most 1000 characters', at);
}

function orNull(value: Json | undefined, at: string): JsonObject | null {
  return value === undefined || value === null ? null : objectOf(value, at);
}

function objectOf(value: Json | undefined, at: string): JsonObject {
  if (isObject(value)) return value;
  throw bad('An object is missing.', 'an object', at);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(message: string, allowed: string, at?: string): TocsinError {
  return new TocsinError('bad-body', { message, allowed, ...(at === undefined ? {} : { at }) });
}
