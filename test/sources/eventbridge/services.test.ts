import { describe, expect, test } from 'vitest';
import { account, made, taken } from './made.ts';

describe('ECS', () => {
  const service = `arn:aws:ecs:eu-west-1:${account}:service/main/web`;

  test('a task that stopped is told, with why and the codes', () => {
    const detail = {
      clusterArn: `arn:aws:ecs:eu-west-1:${account}:cluster/main`,
      taskArn: `arn:aws:ecs:eu-west-1:${account}:task/main/0cc0ffee`,
      group: 'service:web',
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      stoppedAt: '2026-11-20T11:59:00.000Z',
      containers: [{ name: 'app', exitCode: 137 }, { name: 'proxy', exitCode: 0 }, { name: 'late' }],
    };
    expect(made('ECS Task State Change', 'aws.ecs', detail)).toMatchObject({
      kind: 'notice',
      type: 'ecs-task-stopped',
      title: 'web: a task stopped: Essential container in task exited',
      labels: {
        service: 'web',
        cluster: 'main',
        task: '0cc0ffee',
        exit_codes: 'app=137, proxy=0',
        stop_code: 'EssentialContainerExited',
      },
      links: [{ url: 'https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/main/tasks/0cc0ffee?region=eu-west-1' }],
      occurredAt: Date.UTC(2026, 10, 20, 11, 59),
    });
    expect(made('ECS Task State Change', 'aws.ecs', { ...detail, lastStatus: 'RUNNING' })).toMatchObject({
      type: 'ecs-task',
    });
    expect(made('ECS Task State Change', 'aws.ecs', {})).toMatchObject({ type: 'unreadable' });
  });

  const deployed = (eventName: string, more: object = {}) =>
    made(
      'ECS Deployment State Change',
      'aws.ecs',
      { eventName, deploymentId: 'ecs-svc/1', reason: 'why', updatedAt: '2026-11-20T11:58:00Z', ...more },
      { resources: [service] },
    );

  test('a deployment fails, and the next one that completes ends that', () => {
    const failed = deployed('SERVICE_DEPLOYMENT_FAILED');
    expect(failed).toMatchObject({
      state: 'firing',
      severity: 'error',
      title: 'The deployment of web failed',
      labels: { service: 'web', cluster: 'main', resource: service, deployment: 'ecs-svc/1' },
      annotations: { reason: 'why' },
      newsAt: Date.UTC(2026, 10, 20, 11, 58),
    });
    const fingerprint = (failed as { fingerprint: string }).fingerprint;
    expect(deployed('SERVICE_DEPLOYMENT_COMPLETED', { deploymentId: 'ecs-svc/2' })).toMatchObject({
      state: 'resolved',
      fingerprint,
    });
    expect(deployed('SERVICE_DEPLOYMENT_IN_PROGRESS')).toMatchObject({ kind: 'notice', about: fingerprint });
  });

  const acted = (eventType: string, eventName: string) =>
    made(
      'ECS Service Action',
      'aws.ecs',
      { eventType, eventName, createdAt: '2026-11-20T11:57:00Z' },
      { resources: [service] },
    );

  test('a service warns or fails until it is steady', () => {
    const warned = acted('WARN', 'SERVICE_TASK_START_IMPAIRED');
    expect(warned).toMatchObject({
      state: 'firing',
      severity: 'warning',
      labels: { event: 'SERVICE_TASK_START_IMPAIRED' },
    });
    const fingerprint = (warned as { fingerprint: string }).fingerprint;
    expect(acted('ERROR', 'SERVICE_TASK_PLACEMENT_FAILURE')).toMatchObject({
      state: 'firing',
      severity: 'error',
      fingerprint,
    });
    expect(acted('INFO', 'SERVICE_STEADY_STATE')).toMatchObject({ state: 'resolved', fingerprint });
    expect(acted('INFO', 'SERVICE_DESIRED_COUNT_UPDATED')).toMatchObject({ kind: 'notice', about: fingerprint });
    expect(fingerprint).not.toBe((deployed('SERVICE_DEPLOYMENT_FAILED') as { fingerprint: string }).fingerprint);
  });
});

describe('AWS Health', () => {
  const detail = {
    eventArn: 'arn:aws:health:eu-west-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/x',
    service: 'EC2',
    eventTypeCode: 'AWS_EC2_OPERATIONAL_ISSUE',
    eventTypeCategory: 'issue',
    statusCode: 'open',
    eventRegion: 'eu-west-1',
    affectedAccount: '210987654321',
    startTime: 'Fri, 20 Nov 2026 10:00:00 GMT',
    lastUpdatedTime: 'Fri, 20 Nov 2026 11:30:00 GMT',
    eventDescription: [{ language: 'en_US', latestDescription: 'Instances cannot be started' }],
    affectedEntities: [{ entityValue: 'i-1' }, { entityValue: 'i-2' }],
    page: '1',
    totalPages: '2',
  };
  const told = (more: object = {}, type = 'AWS Health Event', region = 'eu-west-1') =>
    taken(
      JSON.stringify({
        id: 'e',
        'detail-type': type,
        source: 'aws.health',
        account,
        region,
        time: '2026-11-20T11:31:00Z',
        detail: { ...detail, ...more },
      }),
    )[0];

  test('an issue is open, and then closed', () => {
    const open = told();
    expect(open).toMatchObject({
      kind: 'alert',
      state: 'firing',
      severity: 'error',
      title: 'EC2: AWS_EC2_OPERATIONAL_ISSUE',
      labels: { account: '210987654321', region: 'eu-west-1', resource: 'i-1', category: 'issue' },
      annotations: { description: 'Instances cannot be started', resources: 'i-1, i-2', page: '1 of 2' },
      newsAt: Date.UTC(2026, 10, 20, 11, 30),
    });
    const { fingerprint } = open as { fingerprint: string };
    expect(told({ statusCode: 'closed' })).toMatchObject({
      state: 'resolved',
      fingerprint,
      startsAt: Date.UTC(2026, 10, 20, 10),
    });
    expect(told({ page: '2', affectedEntities: [{ entityValue: 'i-9' }] })).toMatchObject({ fingerprint });
    expect(told({}, 'AWS Health Event', 'us-west-2')).toMatchObject({ fingerprint });
    expect(told({ affectedAccount: undefined })).not.toMatchObject({ fingerprint });
  });

  test('what is planned warns, what is misused is critical, what only informs is told', () => {
    expect(told({ eventTypeCategory: 'scheduledChange', statusCode: 'upcoming' })).toMatchObject({
      state: 'firing',
      severity: 'warning',
    });
    expect(told({}, 'AWS Health Abuse Event')).toMatchObject({ severity: 'critical' });
    expect(told({ eventTypeCategory: 'accountNotification' })).toMatchObject({ kind: 'notice', type: 'health' });
    expect(told({ eventArn: undefined })).toMatchObject({ kind: 'notice', type: 'unreadable' });
  });

  test('a time that is none is the time of the event', () => {
    for (const lastUpdatedTime of ['Fri, 31 Foo 2026 11:30:00 GMT', 'soon', undefined])
      expect(told({ lastUpdatedTime })).toMatchObject({ newsAt: Date.UTC(2026, 10, 20, 11, 31) });
  });
});
