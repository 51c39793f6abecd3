import type { RecordFormat } from '../types.ts';
import { columnLines, columnsOf, fieldsOf, type Layout } from './columns.ts';
import { readLines } from './lines.ts';
import { bracketTime } from './times.ts';

const columns = columnsOf([
  ...['bucket_owner', 'bucket', 'time', 'remote_ip', 'requester', 'request_id', 'operation', 'key', 'request_uri'],
  ...['http_status:int', 'error_code', 'bytes_sent:int', 'object_size:int', 'total_time:int', 'turn_around_time:int'],
  ...['referer', 'user_agent', 'version_id', 'host_id', 'signature_version', 'cipher_suite', 'authentication_type'],
  ...['host_header', 'tls_version', 'access_point_arn', 'acl_required', 'source_region'],
]);

const layout: Layout = {
  separator: ' ',
  quoted: true,
  columns,
  // Fields are added at the end, and older logs have fewer.
  least: 18,
  most: 60,
  at: record => bracketTime(record.column(2)),
};

export const s3Access: RecordFormat = {
  id: 's3-access',
  about: 'Server access logs of S3. Source: docs.aws.amazon.com, Amazon S3, server access log format.',
  fields: fieldsOf(columns),
  examples: [
    {
      title: 'A request that is denied',
      input:
        '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be records [20/Nov/2025:10:00:38 +0100] 192.0.2.3 arn:aws:sts::123456789012:assumed-role/app 3E57427F3EXAMPLE REST.GET.OBJECT secret%20plan.pdf "GET /records/secret%20plan.pdf HTTP/1.1" 403 AccessDenied 243 - 7 - "-" "curl/8.5 a"b" - s9lzHYrFp76ZVxRcpX9 SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader records.s3.eu-west-1.amazonaws.com TLSV1.2 - Yes\nno log\n',
      records: [
        {
          at: '2025-11-20T09:00:38.000Z',
          fields: {
            bucket: 'records',
            remote_ip: '192.0.2.3',
            operation: 'REST.GET.OBJECT',
            http_status: 403,
            error_code: 'AccessDenied',
            object_size: undefined,
            user_agent: 'curl/8.5 a"b',
            acl_required: 'Yes',
          },
        },
      ],
      faults: ['another-number-of-columns'],
    },
  ],
  open(sink) {
    const { line, long } = columnLines(sink, layout);
    return readLines(line, long);
  },
};
