import { isMap, plainText } from '../../model/incoming.ts';

/** An object that a message tells of. The key is as GetObject wants it. */
export interface ObjectRef {
  bucket: string;
  key: string;
  versionId: string | null;
}

export type Message =
  | { kind: 'objects'; objects: ObjectRef[] }
  /** Nothing was created: a test of S3, something deleted. */
  | { kind: 'nothing' }
  | { kind: 'unknown'; because: string };

/** The most objects in one message. S3 sends one; the list allows more. */
const mostObjects = 100;

/**
 * Reads a message of the queue: a notification of S3, the same in an envelope of SNS, or an event of EventBridge. S3 writes a key as form text
 * (`red+flower.jpg`), EventBridge as it is. Sources: S3 user guide, "Event message structure" and "EventBridge event message structure";
 * SNS developer guide, "Raw message delivery".
 */
export function readMessage(body: string): Message {
  const parsed = parse(body);
  if (!isMap(parsed)) return unknown('it is no JSON object');
  if (parsed['Type'] !== 'Notification') return readNotification(parsed);
  const inner = parse(plainText(parsed['Message']) ?? '');
  return isMap(inner) ? readNotification(inner) : unknown('the message within the envelope of SNS is no JSON object');
}

function readNotification(body: Record<string, unknown>): Message {
  // Sent once when the notification is set up. Source: S3 user guide, "Configuring event notifications": s3:TestEvent.
  if (body['Event'] === 's3:TestEvent') return { kind: 'nothing' };
  if (body['source'] === 'aws.s3') return readBusEvent(body);
  const { Records: records } = body;
  if (!Array.isArray(records)) return unknown('it has no Records, and is no event of aws.s3');
  if (records.length > mostObjects) return unknown(`it has more than ${mostObjects} records`);
  const objects: ObjectRef[] = [];
  for (const record of records) {
    if (!isMap(record) || typeof record['eventName'] !== 'string') return unknown('a record has no eventName');
    // `ObjectCreated:Put`; some that speak S3 write `s3:ObjectCreated:Put`.
    if (!/^(s3:)?ObjectCreated:/.test(record['eventName'])) continue;
    const found = refOf(record['s3'], 'versionId', decodeKey);
    if (found === null) return unknown('a record has no bucket name or object key');
    objects.push(found);
  }
  return objects.length === 0 ? { kind: 'nothing' } : { kind: 'objects', objects };
}

function readBusEvent(body: Record<string, unknown>): Message {
  if (body['detail-type'] !== 'Object Created') return { kind: 'nothing' };
  const found = refOf(body['detail'], 'version-id', key => key);
  return found === null ? unknown('the event has no bucket name or object key') : { kind: 'objects', objects: [found] };
}

function refOf(given: unknown, version: string, decode: (key: string) => string | null): ObjectRef | null {
  if (!isMap(given) || !isMap(given['bucket']) || !isMap(given['object'])) return null;
  const { name: bucket } = given['bucket'];
  const { key: written, [version]: versionId } = given['object'];
  if (typeof bucket !== 'string' || typeof written !== 'string') return null;
  const key = decode(written);
  // Keys have at most 1,024 bytes. Source: S3 user guide, "Naming Amazon S3 objects".
  if (key === null || key === '' || Buffer.byteLength(key) > 1024 || bucket === '' || bucket.length > 255) return null;
  const named = typeof versionId === 'string' && versionId !== '' && versionId !== 'null' && versionId.length <= 1024;
  return { bucket, key, versionId: named ? versionId : null };
}

function decodeKey(written: string): string | null {
  try {
    return decodeURIComponent(written.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unknown(because: string): Message {
  return { kind: 'unknown', because };
}
