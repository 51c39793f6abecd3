import type { SourceExample } from '../../ports/source.ts';

const options = { basic: { user: 'google', password: 'an example password' } };
const headers = { authorization: `Basic ${Buffer.from('google:an example password').toString('base64')}` };
const open = {
  version: '1.2',
  incident: {
    incident_id: '0.opqiw61fsv7p',
    scoping_project_id: 'acme-prod',
    url: 'https://console.cloud.google.com/monitoring/alerting/incidents/0.opqiw61fsv7p?project=acme-prod',
    state: 'open',
    severity: 'Critical',
    started_at: 1795168950,
    ended_at: null as number | null,
    summary: 'CPU usage of web-1 is above the threshold of 0.9 with a value of 0.97.',
    policy_name: 'CPU of web',
    condition_name: 'VM Instance - CPU usage',
    observed_value: '0.97',
    threshold_value: '0.9',
    resource_name: 'web-1',
    resource: { type: 'gce_instance', labels: { instance_id: '31234', zone: 'europe-west3-a' } },
    metric: { type: 'compute.googleapis.com/instance/cpu/utilization', labels: { instance_name: 'web-1' } },
    policy_user_labels: { team: 'web' },
    documentation: { content: 'https://runbooks.example.com/cpu', mime_type: 'text/markdown' },
  },
};

export const examples: readonly SourceExample[] = [
  {
    title: 'An incident opens',
    options,
    headers,
    body: JSON.stringify(open),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: '0.opqiw61fsv7p',
          title: 'CPU of web',
          severity: 'critical',
          labels: {
            instance_name: 'web-1',
            instance_id: '31234',
            zone: 'europe-west3-a',
            team: 'web',
            project: 'acme-prod',
            policy: 'CPU of web',
            condition: 'VM Instance - CPU usage',
            resource: 'web-1',
            resource_type: 'gce_instance',
            metric: 'compute.googleapis.com/instance/cpu/utilization',
          },
          links: [{ label: 'Incident', url: open.incident.url }],
          startsAt: 1_795_168_950_000,
          stretch: 'startsAt',
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It is closed',
    options,
    headers,
    body: JSON.stringify({ ...open, incident: { ...open.incident, state: 'closed', ended_at: 1795170150 } }),
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: '0.opqiw61fsv7p', endsAt: 1_795_170_150_000 }],
    },
  },
  {
    title: 'A body without an incident is refused',
    options,
    headers,
    body: '{"version":"1.2"}',
    expect: { refused: 'bad-body' },
  },
];
