import type { SourceExample } from '../../ports/source.ts';

const labels = { alertname: 'collectd_df_percent_bytes', instance: 'web-1', df: 'root', service: 'collectd' };
const told = (severity: string, summary: string, startsAt: string) =>
  JSON.stringify([
    {
      labels: { ...labels, severity },
      annotations: { summary, DataSource: 'value', CurrentValue: '95', WarningMin: 'nan', FailureMax: '90' },
      startsAt,
    },
  ]);

const options = { header: { name: 'X-Api-Key', value: 'an example token' } };
const headers = { 'x-api-key': 'an example token' };
const fingerprint = 'alertname=collectd_df_percent_bytes,df=root,instance=web-1,service=collectd';

export const examples: readonly SourceExample[] = [
  {
    title: 'A value is above its threshold',
    options,
    headers,
    body: told('FAILURE', 'web-1: / is 95% full', '2026-11-20T11:00:00.127208567Z'),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint,
          title: 'web-1: / is 95% full',
          severity: 'critical',
          labels,
          annotations: { DataSource: 'value', CurrentValue: '95', FailureMax: '90' },
          startsAt: Date.UTC(2026, 10, 20, 11, 0, 0, 127),
          newsAt: Date.UTC(2026, 10, 20, 11, 0, 0, 127),
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It is in range again',
    options,
    headers,
    body: told('OKAY', 'web-1: / is within range again', '2026-11-20T11:00:05.500000000Z'),
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint, endsAt: Date.UTC(2026, 10, 20, 11, 0, 5, 500) }],
    },
  },
  {
    title: 'Values are refused: they are no notifications',
    options: {},
    headers: {},
    body: '[{"values":[95],"dstypes":["gauge"],"host":"web-1","plugin":"df"}]',
    expect: { refused: 'bad-body' },
  },
];
