import type { RecordFormat } from '../types.ts';
import { columnLines, columnsOf, fieldsOf, type Layout } from './columns.ts';
import { readLines } from './lines.ts';
import { utcTime } from './times.ts';

function layoutOf(names: readonly string[], least: number, timeAt: number): Layout {
  const columns = columnsOf(names);
  return { separator: ' ', quoted: true, columns, least, most: 60, at: record => utcTime(record.column(timeAt)) };
}

function formatOf(parts: Pick<RecordFormat, 'id' | 'about' | 'examples'>, layout: Layout): RecordFormat {
  return {
    ...parts,
    fields: fieldsOf(layout.columns),
    open(sink) {
      const { line, long } = columnLines(sink, layout);
      return readLines(line, long);
    },
  };
}

const alb = layoutOf(
  [
    ...['type', 'time', 'elb', 'client:host', 'target:host', 'request_processing_time:double'],
    ...['target_processing_time:double', 'response_processing_time:double', 'elb_status_code:int'],
    ...['target_status_code:int', 'received_bytes:int', 'sent_bytes:int', 'request', 'user_agent', 'ssl_cipher'],
    ...['ssl_protocol', 'target_group_arn', 'trace_id', 'domain_name', 'chosen_cert_arn', 'matched_rule_priority'],
    ...['request_creation_time', 'actions_executed', 'redirect_url', 'error_reason', 'target_port_list'],
    ...['target_status_code_list', 'classification', 'classification_reason', 'conn_trace_id', 'transformed_host'],
    ...['transformed_uri', 'request_transform_status'],
  ],
  // The first logs had 18 fields; new ones are added at the end.
  17,
  1,
);

export const albAccess = formatOf(
  {
    id: 'alb-access',
    about:
      'Access logs of Application Load Balancers. `client_ip` and `client_port` are parts of `client`, and so for `target`. Source: docs.aws.amazon.com, Elastic Load Balancing, access logs of Application Load Balancers.',
    examples: [
      {
        title: 'An answer that is an error',
        input:
          'https 2025-11-20T09:00:00.186641Z app/my-lb/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 -1 502 - 0 57 "GET https://www.example.com:443/a?b=c d HTTP/1.1" "curl/8.5" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "-" 1 2025-11-20T09:00:00.100000Z "forward" "-" "-" "10.0.0.1:80" "-" "-" "-" TID_1\n',
        records: [
          {
            at: '2025-11-20T09:00:00.186Z',
            fields: {
              client_ip: '192.168.131.39',
              client_port: 2817,
              response_processing_time: -1,
              elb_status_code: 502,
              target_status_code: undefined,
              request: 'GET https://www.example.com:443/a?b=c d HTTP/1.1',
              conn_trace_id: 'TID_1',
            },
          },
        ],
      },
    ],
  },
  alb,
);

const nlb = layoutOf(
  [
    ...['type', 'version', 'time', 'elb', 'listener', 'client:host', 'destination:host', 'connection_time:int'],
    ...['tls_handshake_time:int', 'received_bytes:int', 'sent_bytes:int', 'incoming_tls_alert', 'chosen_cert_arn'],
    ...['chosen_cert_serial', 'tls_cipher', 'tls_protocol_version', 'tls_named_group', 'domain_name'],
    ...['alpn_fe_protocol', 'alpn_be_protocol', 'alpn_client_preference_list', 'tls_connection_creation_time'],
  ],
  18,
  2,
);

export const nlbAccess = formatOf(
  {
    id: 'nlb-access',
    about:
      'Access logs of Network Load Balancers with a TLS listener. Source: docs.aws.amazon.com, Elastic Load Balancing, access logs of Network Load Balancers.',
    examples: [
      {
        title: 'A handshake that failed',
        input:
          'tls 2.0 2025-11-20T09:00:00 net/my-nlb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.9:51341 172.100.100.185:443 5 - 98 246 40 - - - - - example.com - - "h2","http/1.1" 2025-11-20T08:59:59\n',
        records: [
          {
            at: '2025-11-20T09:00:00.000Z',
            fields: {
              client_ip: '192.0.2.9',
              tls_handshake_time: undefined,
              incoming_tls_alert: '40',
              tls_cipher: undefined,
            },
          },
        ],
      },
    ],
  },
  nlb,
);

const classic = layoutOf(
  [
    ...['time', 'elb', 'client:host', 'backend:host', 'request_processing_time:double'],
    ...['backend_processing_time:double', 'response_processing_time:double', 'elb_status_code:int'],
    ...[
      'backend_status_code:int',
      'received_bytes:int',
      'sent_bytes:int',
      'request',
      'user_agent',
      'ssl_cipher',
      'ssl_protocol',
    ],
  ],
  12,
  0,
);

export const elbAccess = formatOf(
  {
    id: 'elb-access',
    about:
      'Access logs of Classic Load Balancers. Source: docs.aws.amazon.com, Elastic Load Balancing, access logs of Classic Load Balancers.',
    examples: [
      {
        title: 'No backend answered',
        input:
          '2025-11-20T09:00:00.186641Z my-lb 192.168.131.39:2817 - -1 -1 -1 503 0 0 0 "GET http://www.example.com:80/ HTTP/1.1" "curl/8.5" - -\n',
        records: [
          {
            at: '2025-11-20T09:00:00.186Z',
            fields: {
              client_ip: '192.168.131.39',
              backend: undefined,
              elb_status_code: 503,
              request: 'GET http://www.example.com:80/ HTTP/1.1',
            },
          },
        ],
      },
    ],
  },
  classic,
);
