import { isMap } from '../../incoming.ts';
import type { RecordFormat } from '../types.ts';
import { openJson } from './json.ts';
import { epochOf, timeReader } from './json-record.ts';

export const cloudtrail: RecordFormat = {
  id: 'cloudtrail',
  about:
    'CloudTrail: files with a list `Records`, or events one a line. The time is `eventTime`. Source: docs.aws.amazon.com, CloudTrail, record contents.',
  fields: null,
  examples: [
    {
      title: 'A file',
      input:
        '{"Records":[{"eventVersion":"1.08","eventTime":"2025-11-20T09:00:00Z","eventName":"ConsoleLogin","userIdentity":{"type":"Root"},"responseElements":{"ConsoleLogin":"Success"}},{"eventTime":"2025-11-20T09:00:01Z","eventName":"DeleteTrail"}]}',
      records: [
        { at: '2025-11-20T09:00:00.000Z', fields: { eventName: 'ConsoleLogin', userIdentity: { type: 'Root' } } },
        { at: '2025-11-20T09:00:01.000Z', fields: { eventName: 'DeleteTrail' } },
      ],
    },
    {
      title: 'A digest file has no records of its own',
      input: '{"awsAccountId":"123456789012","digestStartTime":"2025-11-20T08:00:00Z"}',
      records: [{ at: null, fields: { eventName: undefined } }],
    },
  ],
  open: sink => openJson(sink, timeReader('eventTime'), ['Records']),
};

export const waf: RecordFormat = {
  id: 'waf',
  about:
    'Logs of AWS WAF, one JSON object a line. The time is `timestamp`. Source: docs.aws.amazon.com, AWS WAF, log fields.',
  fields: null,
  examples: [
    {
      title: 'A request that was blocked',
      input:
        '{"timestamp":1763629200000,"formatVersion":1,"action":"BLOCK","terminatingRuleId":"rate","httpRequest":{"clientIp":"192.0.2.9","country":"NL","uri":"/login"}}\n',
      records: [
        {
          at: '2025-11-20T09:00:00.000Z',
          fields: { action: 'BLOCK', httpRequest: { clientIp: '192.0.2.9', country: 'NL', uri: '/login' } },
        },
      ],
    },
  ],
  open: sink => openJson(sink, ({ timestamp }) => epochOf(timestamp)),
};

export const kubernetesAudit: RecordFormat = {
  id: 'kubernetes-audit',
  about:
    'Audit events of a Kubernetes API server: lines of its log, or the lists that its webhook sends. The time is that of the stage. Source: kubernetes.io, auditing, and the type audit.k8s.io/v1 EventList.',
  fields: null,
  examples: [
    {
      title: 'A list of the webhook',
      input:
        '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{"items":[1]},"items":[{"level":"Metadata","stage":"ResponseComplete","verb":"create","user":{"username":"system:anonymous"},"objectRef":{"resource":"pods","subresource":"exec"},"stageTimestamp":"2025-11-20T09:00:00.123456Z"}]}',
      records: [
        {
          at: '2025-11-20T09:00:00.123Z',
          fields: { verb: 'create', objectRef: { resource: 'pods', subresource: 'exec' } },
        },
      ],
    },
    {
      title: 'Lines of the log',
      input:
        '{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get","requestReceivedTimestamp":"2025-11-20T09:00:00Z","objectRef":{"resource":"secrets"}}\n',
      records: [{ at: '2025-11-20T09:00:00.000Z', fields: { verb: 'get' } }],
    },
  ],
  open: sink => openJson(sink, value => stage(value) ?? received(value), ['items']),
};

const stage = timeReader('stageTimestamp');
const received = timeReader('requestReceivedTimestamp');

/** What log services put around lines of a log. */
export const cloudwatch: RecordFormat = {
  id: 'cloudwatch-logs',
  about:
    'What a subscription of CloudWatch Logs delivers: the events of `logEvents`, each with id, timestamp and message. A message that is a JSON object is there as `json` too. Source: docs.aws.amazon.com, CloudWatch Logs, subscription filters.',
  fields: null,
  examples: [
    {
      title: 'Two events',
      input:
        '{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"app","logStream":"a","subscriptionFilters":["all"],"logEvents":[{"id":"1","timestamp":1763629200000,"message":"{\\"level\\":\\"error\\"}"},{"id":"2","timestamp":1763629201000,"message":"plain"}]}',
      records: [
        { at: '2025-11-20T09:00:00.000Z', fields: { id: '1', json: { level: 'error' } } },
        { fields: { message: 'plain', json: undefined } },
      ],
    },
  ],
  open: sink =>
    openJson(
      sink,
      ({ timestamp }) => epochOf(timestamp),
      ['logEvents'],
      value => {
        const json =
          typeof value['message'] === 'string' && value['message'].startsWith('{') ? parsed(value['message']) : null;
        return isMap(json) ? { ...value, json } : value;
      },
    ),
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
