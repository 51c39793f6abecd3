import { describe, expect, test } from 'vitest';
import { account, made, taken } from './made.ts';

describe('GuardDuty', () => {
  const finding = {
    id: 'f1',
    arn: `arn:aws:guardduty:eu-west-1:${account}:detector/d/finding/f1`,
    accountId: '210987654321',
    region: 'eu-central-1',
    type: 'UnauthorizedAccess:EC2/SSHBruteForce',
    severity: 5,
    title: 'Somebody guesses passwords',
    createdAt: '2026-11-20T10:00:00.000Z',
    updatedAt: '2026-11-20T12:00:00.000Z',
    resource: { resourceType: 'Instance', instanceDetails: { instanceId: 'i-0abc' } },
    service: { count: 7, archived: false, eventFirstSeen: '2026-11-20T09:55:00Z' },
  };
  const found = (more: object = {}) => made('GuardDuty Finding', 'aws.guardduty', { ...finding, ...more });

  test('a finding: identity, severity, resource, count, account and region of its own', () => {
    expect(found()).toMatchObject({
      kind: 'alert',
      state: 'firing',
      fingerprint: finding.arn,
      title: 'Somebody guesses passwords',
      severity: 'warning',
      labels: {
        type: finding.type,
        resource: 'i-0abc',
        resource_type: 'Instance',
        account: '210987654321',
        region: 'eu-central-1',
      },
      annotations: { count: '7', severity: '5', first_seen: '2026-11-20T09:55:00Z' },
      links: [
        { label: 'Console', url: expect.stringContaining('https://eu-central-1.console.aws.amazon.com/guardduty/') },
      ],
      newsAt: Date.UTC(2026, 10, 20, 12),
    });
  });

  test.each([
    [1, 'info'],
    [3.9, 'info'],
    [4, 'warning'],
    [6.9, 'warning'],
    [7, 'error'],
    [8.9, 'error'],
    [9, 'critical'],
    [10, 'critical'],
    ['high', 'warning'],
  ])('severity %s is %s', (severity, expected) => {
    expect(found({ severity })).toMatchObject({ severity: expected });
  });

  test('the same finding again is the same alert, and later news', () => {
    const again = found({ updatedAt: '2026-11-20T12:15:00.000Z', service: { count: 8 } });
    expect(again).toMatchObject({ fingerprint: finding.arn, newsAt: Date.UTC(2026, 10, 20, 12, 15) });
    expect(again).not.toHaveProperty('stretch');
  });

  test('one that is archived is over, which is no cure', () => {
    expect(found({ service: { archived: true } })).toMatchObject({
      state: 'resolved',
      noCure: 'the finding was archived',
    });
  });

  test('a sample is told, and opens nothing', () => {
    expect(found({ title: '[SAMPLE] Somebody guesses passwords' })).toMatchObject({ kind: 'notice', type: 'test' });
  });

  test('one without an id is kept as what it is', () => {
    expect(found({ id: undefined, arn: undefined })).toMatchObject({ kind: 'notice', type: 'unreadable' });
  });
});

describe('Security Hub', () => {
  const finding = {
    Id: 'arn:aws:securityhub:eu-west-1:123456789012:subscription/x/finding/1',
    Title: 'S3.1 Block Public Access',
    AwsAccountId: account,
    Region: 'eu-west-1',
    GeneratorId: 'security-control/S3.1',
    ProductName: 'Security Hub',
    CreatedAt: '2026-11-19T10:00:00.000Z',
    UpdatedAt: '2026-11-20T11:00:00.000Z',
    Severity: { Label: 'HIGH', Normalized: 70 },
    Compliance: { Status: 'FAILED' },
    Workflow: { Status: 'NEW' },
    RecordState: 'ACTIVE',
    Resources: [{ Type: 'AwsS3Bucket', Id: 'arn:aws:s3:::shop' }],
    Remediation: { Recommendation: { Text: 'Block it', Url: 'https://docs.aws.amazon.com/x' } },
  };
  const imported = (more: object = {}) =>
    made('Security Hub Findings - Imported', 'aws.securityhub', { findings: [{ ...finding, ...more }] });

  test('a finding fires: identity, severity, resource, remedy', () => {
    expect(imported()).toMatchObject({
      kind: 'alert',
      state: 'firing',
      fingerprint: finding.Id,
      severity: 'error',
      labels: {
        resource: 'arn:aws:s3:::shop',
        resource_type: 'AwsS3Bucket',
        compliance: 'FAILED',
        type: 'security-control/S3.1',
      },
      annotations: { remedy: 'Block it' },
      links: [{ label: 'Remedy', url: 'https://docs.aws.amazon.com/x' }],
      newsAt: Date.UTC(2026, 10, 20, 11),
    });
  });

  test.each([
    [{ Compliance: { Status: 'PASSED' } }, undefined],
    [{ Workflow: { Status: 'RESOLVED' } }, undefined],
    [{ Workflow: { Status: 'SUPPRESSED' } }, 'the finding was suppressed'],
    [{ RecordState: 'ARCHIVED' }, 'the finding was archived'],
  ])('%j ends it', (more, noCure) => {
    const event = imported(more);
    expect(event).toMatchObject({ state: 'resolved', fingerprint: finding.Id });
    expect((event as { noCure?: string }).noCure).toBe(noCure);
  });

  test.each([
    [{ Label: 'CRITICAL' }, 'critical'],
    [{ Label: 'MEDIUM' }, 'warning'],
    [{ Label: 'LOW' }, 'info'],
    [{ Label: 'INFORMATIONAL' }, 'info'],
    [{ Normalized: 95 }, 'critical'],
    [{ Normalized: 40 }, 'warning'],
    [{}, 'warning'],
  ])('severity %j is %s', (Severity, severity) => {
    expect(imported({ Severity })).toMatchObject({ severity });
  });

  test('without findings, or with one without an id, nothing is lost', () => {
    for (const detail of [{}, { findings: [] }, { findings: [{}] }, { findings: [7] }])
      expect(made('Security Hub Findings - Imported', 'aws.securityhub', detail)).toMatchObject({
        kind: 'notice',
        type: 'unreadable',
      });
    const event = { id: 'e', source: 'aws.securityhub', 'detail-type': 'Security Hub Findings - Imported' };
    const mixed = taken(JSON.stringify({ ...event, detail: { findings: [{ Title: 'x' }, finding, null] } }));
    expect(mixed).toMatchObject([
      { kind: 'alert', fingerprint: finding.Id },
      { kind: 'notice', type: 'unreadable', title: '2 of the findings of an event could not be read' },
    ]);
    expect(made('Findings Imported V2', 'aws.securityhub', { findings: [{}] })).toMatchObject({
      type: 'Findings Imported V2',
    });
  });
});
