import { describe, expect, test } from 'vitest';
import { eventsOf, fold, time } from './bodies.ts';

const dependabot = (action: string, alert: object = {}) =>
  eventsOf('dependabot_alert', {
    action,
    alert: {
      number: 4,
      state: 'open',
      dependency: { package: { ecosystem: 'npm', name: 'left-pad' } },
      security_advisory: { ghsa_id: 'GHSA-1', summary: 'A hole', severity: 'high' },
      created_at: time('10:00'),
      updated_at: time('10:00'),
      ...alert,
    },
  });

const code = (action: string, ref: string, alert: object = {}, options: object = {}) =>
  eventsOf(
    'code_scanning_alert',
    {
      action,
      ref,
      commit_oid: 'c'.repeat(40),
      alert: {
        number: 5,
        state: 'open',
        rule: { id: 'js/x', severity: 'error', description: 'Injection' },
        tool: { name: 'CodeQL' },
        created_at: time('10:00'),
        ...alert,
      },
    },
    options,
  );

const secret = (action: string, alert: object = {}, more: object = {}) =>
  eventsOf('secret_scanning_alert', {
    action,
    alert: {
      number: 6,
      secret_type: 'a_token',
      secret_type_display_name: 'A token',
      created_at: time('10:00'),
      ...alert,
    },
    ...more,
  });

describe('Dependabot', () => {
  test.each(['created', 'reopened', 'auto_reopened', 'reintroduced'])('%s fires', action => {
    expect(dependabot(action)).toMatchObject([
      {
        state: 'firing',
        fingerprint: 'dependabot_alert/7/4',
        severity: 'error',
        title: 'left-pad in acme/shop: A hole',
      },
    ]);
  });

  test.each([
    ['critical', 'critical'],
    ['high', 'error'],
    ['medium', 'warning'],
    ['low', 'info'],
  ])('severity %s is %s', (given, severity) => {
    const security_advisory = { ghsa_id: 'GHSA-1', summary: 'A hole', severity: given };
    expect(dependabot('created', { security_advisory })).toMatchObject([{ severity }]);
  });

  test('a fix is a cure, a dismissal is none', () => {
    const [fixed] = dependabot('fixed', { state: 'fixed', fixed_at: time('11:00') });
    expect(fixed).toMatchObject({ state: 'resolved', endsAt: Date.parse(time('11:00')) });
    expect(fixed).not.toHaveProperty('noCure');
    expect(dependabot('dismissed', { state: 'dismissed', dismissed_reason: 'tolerable_risk' })).toMatchObject([
      { state: 'resolved', noCure: 'it was closed at GitHub, not fixed: tolerable risk' },
    ]);
    expect(dependabot('auto_dismissed', { state: 'auto_dismissed' })).toMatchObject([
      { state: 'resolved', noCure: 'it was closed at GitHub, not fixed' },
    ]);
  });

  test('is ordered by when things happened', () => {
    const created = dependabot('created');
    const fixed = dependabot('fixed', { state: 'fixed', fixed_at: time('11:00') });
    const back = dependabot('reintroduced', { updated_at: time('12:00') });
    expect(fold([...created, ...fixed, ...back]).effects).toEqual(['opened', 'resolved', 'opened']);
    expect(fold([...fixed, ...created]).effects).toEqual(['unseen', 'stale']);
    expect(fold([...created, ...back, ...fixed]).effects).toEqual(['opened', 'refreshed', 'stale']);
  });

  test('other news is told in its thread', () => {
    expect(dependabot('assignees_changed')).toMatchObject([
      { kind: 'notice', type: 'dependabot_alert.assignees_changed', about: 'dependabot_alert/7/4' },
    ]);
  });
});

describe('code scanning', () => {
  const main = 'refs/heads/main';
  const pull = 'refs/pull/11/merge';

  test('is one alert for the default branch, and one for each other ref', () => {
    expect(code('created', main)).toMatchObject([
      { state: 'firing', fingerprint: 'code_scanning_alert/7/5', labels: { branch: 'main', sha: 'c'.repeat(40) } },
    ]);
    expect(code('appeared_in_branch', pull)).toMatchObject([
      {
        state: 'firing',
        fingerprint: `code_scanning_alert/7/5/${pull}`,
        title: `CodeQL in acme/shop: Injection (${pull})`,
      },
    ]);
    expect(code('fixed', pull, { state: 'fixed' })).toMatchObject([
      { state: 'resolved', fingerprint: `code_scanning_alert/7/5/${pull}` },
    ]);
  });

  test('a dismissal ends it wherever it was', () => {
    const gone = code('closed_by_user', '', {
      state: 'dismissed',
      dismissed_at: time('11:00'),
      dismissed_reason: 'false positive',
      instances: [{ ref: main }, { ref: pull }],
    });
    expect(gone).toMatchObject([
      { state: 'resolved', fingerprint: 'code_scanning_alert/7/5', noCure: expect.stringContaining('false positive') },
      { state: 'resolved', fingerprint: `code_scanning_alert/7/5/${pull}` },
    ]);
  });

  test('what was dismissed and appears elsewhere opens nothing', () => {
    expect(code('appeared_in_branch', pull, { state: 'dismissed' })).toMatchObject([{ kind: 'notice' }]);
  });

  test('other refs make no alerts where branches says so', () => {
    expect(code('created', pull, {}, { branches: 'default' })).toEqual([]);
    expect(code('created', main, {}, { branches: 'default' })).toHaveLength(1);
    expect(code('created', pull, {}, { branches: 'default', tellAll: true })).toMatchObject([{ kind: 'notice' }]);
  });

  test.each([
    [{ severity: 'error' }, 'error'],
    [{ severity: 'warning' }, 'warning'],
    [{ severity: 'note' }, 'info'],
    [{ severity: 'error', security_severity_level: 'critical' }, 'critical'],
    [{ severity: null }, 'warning'],
  ])('severity of %j is %s', (rule, severity) => {
    expect(code('created', main, { rule: { id: 'r', ...rule } })).toMatchObject([{ severity }]);
  });

  test('a reopening without a time counts from its arrival', () => {
    const created = code('created', main);
    const fixed = code('fixed', main, { state: 'fixed', fixed_at: time('11:00') });
    const again = code('reopened', main);
    expect(again[0]).not.toHaveProperty('newsAt');
    expect(fold([...created, ...fixed, ...again]).effects).toEqual(['opened', 'resolved', 'opened']);
  });
});

describe('secret scanning', () => {
  test('is critical unless configured, and holds nothing of the secret', () => {
    const made = secret('created', { secret: 'hunter2-hunter2' });
    expect(made).toMatchObject([
      {
        state: 'firing',
        severity: 'critical',
        fingerprint: 'secret_scanning_alert/7/6',
        title: 'A secret in acme/shop: A token',
      },
    ]);
    expect(JSON.stringify(made)).not.toContain('hunter2');
  });

  test('a revoked secret is a cure, any other resolution is none', () => {
    const [revoked] = secret('resolved', { resolution: 'revoked', resolved_at: time('11:00') });
    expect(revoked).toMatchObject({ state: 'resolved', endsAt: Date.parse(time('11:00')) });
    expect(revoked).not.toHaveProperty('noCure');
    expect(secret('resolved', { resolution: 'wont_fix', resolved_at: time('11:00') })).toMatchObject([
      { state: 'resolved', noCure: 'it was closed at GitHub, not fixed: wont fix' },
    ]);
  });

  test('what else becomes known is told in its thread', () => {
    for (const action of ['publicly_leaked', 'validated', 'assigned'])
      expect(secret(action)).toMatchObject([{ kind: 'notice', about: 'secret_scanning_alert/7/6' }]);
  });

  test('a location is no alert', () => {
    expect(secret('created', {}, { location: { type: 'commit' } })).toMatchObject([{ kind: 'notice' }]);
  });
});
