import type { FieldType, RecordFormat } from '../types.ts';
import { type Column, type ColumnRecord, columnLines, fieldsOf, type Layout, memberName } from './columns.ts';
import { readLines } from './lines.ts';

const v2 =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status';
const later = [
  // Version 3.
  'vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr',
  // Version 4.
  'region az-id sublocation-type sublocation-id',
  // Version 5.
  'pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path',
  // Version 6, transit gateways.
  'resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired',
  // Version 7.
  'ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id',
  // Version 8, and what came since.
  'reject-reason resource-id encryption-status',
];
const names = [v2, ...later].flatMap(line => line.split(' '));
const known: ReadonlySet<string> = new Set(names);
const whole = /^(version|.*port|protocol|packets.*|bytes|start|end|tcp-flags|traffic-path)$/;

const typeOf = (name: string): FieldType => (whole.test(name) ? 'int' : 'string');
const columnsIn = (line: string): Column[] =>
  line.split(' ').map((name, at) => ({ name: memberName(name), type: typeOf(name), at }));

export const vpcFlow: RecordFormat = {
  id: 'vpc-flow',
  about:
    'VPC and transit gateway flow logs as text, versions 2 to 8. A first line with names of fields says which there are; without it they are those of the default format. The time is that of `start`. Source: docs.aws.amazon.com, VPC, Flow log records.',
  fields: fieldsOf(columnsIn(names.join(' '))),
  examples: [
    {
      title: 'The default format, as in a log group',
      input:
        '2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1763629200 1763629260 REJECT OK\n2 123456789010 eni-1235b8ca123456789 - - - - - - - 1763629200 1763629260 - NODATA\nnot a flow\n',
      records: [
        {
          at: '2025-11-20T09:00:00.000Z',
          fields: { version: 2, account_id: '123456789010', srcaddr: '172.31.9.69', dstport: 3389, action: 'REJECT' },
        },
        { fields: { srcaddr: undefined, dstport: undefined, log_status: 'NODATA' } },
      ],
      faults: ['another-number-of-columns'],
    },
    {
      title: 'Fields of one’s own, with the line that names them',
      input:
        'action srcaddr pkt-src-aws-service tcp-flags reject-reason end\nREJECT 10.0.0.7 - 2 BPA 1763629260\nACCEPT 10.0.0.8 S3 19 - 1763629261\n',
      records: [
        { at: '2025-11-20T09:01:00.000Z', fields: { action: 'REJECT', tcp_flags: 2, reject_reason: 'BPA' } },
        { fields: { pkt_src_aws_service: 'S3', reject_reason: undefined } },
      ],
    },
  ],
  open(sink) {
    const { line, long } = columnLines(sink, layoutOf(v2), text => (isHeader(text) ? layoutOf(text) : null));
    return readLines(line, long);
  },
};

/** Names of fields begin with small letters, and a line of data has no field that is the name of one. */
function isHeader(line: string): boolean {
  const code = line.charCodeAt(0);
  if (code < 97 || code > 122) return false;
  return line.split(' ').every(name => known.has(name));
}

function layoutOf(line: string): Layout {
  const columns = columnsIn(line);
  const start = columns.find(({ name }) => name === 'start')?.at ?? -1;
  const end = columns.find(({ name }) => name === 'end')?.at ?? -1;
  const at = (record: ColumnRecord) => secondsOf(record, start) ?? secondsOf(record, end);
  return { separator: ' ', quoted: false, columns, least: columns.length, most: columns.length, at };
}

function secondsOf(record: ColumnRecord, at: number): number | null {
  const seconds = at < 0 ? Number.NaN : Number(record.column(at));
  return seconds > 0 && seconds < 1e11 ? seconds * 1000 : null;
}
