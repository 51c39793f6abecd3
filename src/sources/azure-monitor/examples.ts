import type { SourceExample } from '../../ports/source.ts';

const options = { basic: { user: 'azure', password: 'an example password' } };
const headers = { authorization: `Basic ${Buffer.from('azure:an example password').toString('base64')}` };
const alertId =
  '/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.AlertsManagement/alerts/b9569717-bc32-442f-add5-83a997729330';
const fired = {
  schemaId: 'azureMonitorCommonAlertSchema',
  data: {
    essentials: {
      alertId,
      alertRule: 'CPU of web',
      severity: 'Sev1',
      signalType: 'Metric',
      monitorCondition: 'Fired',
      monitoringService: 'Platform',
      alertTargetIDs: [
        '/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/web/providers/microsoft.compute/virtualmachines/web-1',
      ],
      configurationItems: ['web-1'],
      originAlertId: '11111111_web_microsoft.insights_metricAlerts_CPU_-117781227',
      firedDateTime: '2026-11-20T10:02:30.371Z',
      resolvedDateTime: null as string | null,
      description: 'More than 90 % for five minutes',
      essentialsVersion: '1.0',
      alertContextVersion: '1.0',
    },
    alertContext: {
      condition: {
        allOf: [{ metricName: 'Percentage CPU', metricValue: 97.2, dimensions: [{ name: 'slot', value: 'blue' }] }],
      },
    },
    customProperties: { team: 'web' },
  },
};

export const examples: readonly SourceExample[] = [
  {
    title: 'A rule about a metric fires',
    options,
    headers,
    body: JSON.stringify(fired),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: alertId,
          title: 'CPU of web',
          severity: 'error',
          labels: {
            team: 'web',
            slot: 'blue',
            rule: 'CPU of web',
            resource: 'web-1',
            service: 'Platform',
            signal: 'Metric',
            severity: 'Sev1',
          },
          startsAt: Date.UTC(2026, 10, 20, 10, 2, 30, 371),
          stretch: 'startsAt',
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It is resolved',
    options,
    headers,
    body: JSON.stringify({
      ...fired,
      data: {
        ...fired.data,
        essentials: {
          ...fired.data.essentials,
          monitorCondition: 'Resolved',
          resolvedDateTime: '2026-11-20T10:22:30.1246313Z',
        },
      },
    }),
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: alertId,
          endsAt: Date.UTC(2026, 10, 20, 10, 22, 30, 124),
        },
      ],
    },
  },
  {
    title: 'The older schema of a rule is refused',
    options,
    headers,
    body: '{"schemaId":"AzureMonitorMetricAlert","data":{"status":"Activated"}}',
    expect: { refused: 'bad-body' },
  },
];
