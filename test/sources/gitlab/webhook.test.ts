import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Alert, type Effect, effectOf, foldAlert } from '../../../src/model/alert.ts';
import { type IncomingAlert, type IncomingEvent, incomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/gitlab/index.ts';
import { delivery, now, refusal, take } from '../helpers.ts';

const project = {
  id: 7,
  path_with_namespace: 'acme/shop',
  default_branch: 'main',
  web_url: 'https://gl.example/acme/shop',
};
const user = { username: 'dana' };

function hear(body: object, options: object = {}, headers: Record<string, string> = {}) {
  const made = take(source, delivery(JSON.stringify({ project, user, ...body }), headers), options);
  for (const one of made.events) incomingEvent.parse(one);
  return made;
}
/** Without the changes beside them. */
const eventsOf = (body: object, options: object = {}): IncomingEvent[] =>
  hear(body, options).events.filter(({ kind }) => kind !== 'change');
const changesOf = (body: object) => hear(body).events.filter(({ kind }) => kind === 'change');
const alertIn = (body: object, options: object = {}) => eventsOf(body, options)[0] as IncomingAlert;

const at = (text: string) => `2026-11-20 ${text}:00 UTC`;
function pipeline(status: string, made: string, ended: string | null, more: object = {}, beside: object = {}) {
  const told = { id: 31, ref: 'main', source: 'push', status, created_at: at(made), finished_at: ended && at(ended) };
  return { object_kind: 'pipeline', object_attributes: { ...told, ...more }, ...beside };
}
const deploy = (status: string, changed: string, environment = 'production') => ({
  object_kind: 'deployment',
  status,
  status_changed_at: changed,
  environment,
});

function fold(bodies: readonly object[]): { alert: Alert | null; effects: Effect[] } {
  let alert: Alert | null = null;
  const effects: Effect[] = [];
  for (const [index, body] of bodies.map(one => alertIn(one)).entries()) {
    const effect = effectOf(alert, body);
    const event = { id: `evt_${index}`, source: 'gitlab', receivedAt: index, raw: null, trusted: true, body };
    alert = foldAlert(alert, event, effect, 'alt_1', effect === 'reopened' ? { quiet: true } : {});
    effects.push(effect);
  }
  return { alert, effects };
}

describe('a pipeline', () => {
  test('that was created last decides, in whatever order they end', () => {
    const newer = pipeline('failed', '10:10', '10:20');
    const older = pipeline('success', '10:00', '10:40');
    expect(fold([newer, older]).alert?.state).toBe('firing');
    expect(fold([older, newer]).alert?.state).toBe('firing');
  });

  test('that is retried is decided by its last result', () => {
    const failed = pipeline('failed', '10:00', '10:05');
    const retried = pipeline('success', '10:00', '10:30');
    expect(fold([failed, retried]).alert?.state).toBe('resolved');
    expect(fold([retried, failed]).alert?.state).toBe('resolved');
  });

  test('of another ref, tag, merge request, source, upstream or project is another alert', () => {
    const all = [
      pipeline('failed', '10:00', '10:05'),
      pipeline('failed', '10:00', '10:05', { ref: 'other' }),
      pipeline('failed', '10:00', '10:05', { tag: true }),
      pipeline('failed', '10:00', '10:05', { source: 'schedule' }),
      pipeline('failed', '10:00', '10:05', { source: 'merge_request_event' }, { merge_request: { iid: 1 } }),
      pipeline('failed', '10:00', '10:05', { source: 'merge_request_event' }, { merge_request: { iid: 2 } }),
      pipeline('failed', '10:00', '10:05', { source: 'pipeline' }, { source_pipeline: { project: { id: 41 } } }),
      pipeline('failed', '10:00', '10:05', { source: 'pipeline' }, { source_pipeline: { project: { id: 42 } } }),
      pipeline('failed', '10:00', '10:05', {}, { project: { ...project, id: 8 } }),
    ];
    const fingerprints = all.map(body => alertIn(body).fingerprint);
    expect(new Set(fingerprints).size).toBe(all.length);
  });

  test('keeps its alert when its project is renamed', () => {
    const renamed = { project: { ...project, path_with_namespace: 'acme/store' } };
    expect(alertIn(pipeline('success', '10:00', '10:05', {}, renamed)).fingerprint).toBe(
      alertIn(pipeline('failed', '10:00', '10:05')).fingerprint,
    );
  });

  test.each(['created', 'pending', 'running', 'canceled', 'skipped', 'manual'])('that is %s is no news', status => {
    expect(eventsOf(pipeline(status, '10:00', null))).toEqual([]);
    const told = eventsOf(pipeline(status, '10:00', null), { tellAll: true });
    expect(told).toMatchObject([{ kind: 'notice', about: 'pipeline/7/main/push' }]);
  });

  test('of a child is a notice when it fails, since nothing tells children apart', () => {
    const child = { source: 'parent_pipeline' };
    expect(eventsOf(pipeline('failed', '10:00', '10:05', child))).toMatchObject([{ kind: 'notice' }]);
    expect(eventsOf(pipeline('success', '10:00', '10:05', child))).toEqual([]);
  });

  test('makes alerts on the branches that are watched', () => {
    const on = (ref: string, more: object = {}, beside: object = {}) =>
      eventsOf(pipeline('failed', '10:00', '10:05', { ref, ...more }, beside), { branches: ['main', 'release/*'] })
        .length;
    expect([on('main'), on('release/1'), on('other')]).toEqual([1, 1, 0]);
    expect([on('main', { tag: true }), on('main', {}, { merge_request: { iid: 1 } })]).toEqual([0, 0]);
    const byDefault = (ref: string) => eventsOf(pipeline('failed', '10:00', '10:05', { ref }), { branches: 'default' });
    expect([byDefault('main').length, byDefault('release/1').length]).toEqual([1, 0]);
  });

  test('with a status that nobody knows is a notice', () => {
    expect(eventsOf(pipeline('exploded', '10:00', null))).toMatchObject([
      { kind: 'notice', type: 'pipeline', labels: { tocsin_note: expect.any(String) } },
    ]);
  });
});

describe('a deployment', () => {
  test.each([
    '2026-11-20 21:50:00 +0200',
    '2026-11-20T19:50:00Z',
    '2026-11-20 19:50:00 UTC',
    '2026-11-20T19:50:00.000Z',
  ])('told at %s has that time', changed => {
    expect(alertIn(deploy('failed', changed))).toMatchObject({ newsAt: Date.UTC(2026, 10, 20, 19, 50) });
  });

  test('fails until one succeeds, per environment', () => {
    const failed = deploy('failed', at('10:00'));
    expect(fold([failed, deploy('success', at('10:10'))]).alert?.state).toBe('resolved');
    expect(fold([deploy('success', at('10:10')), failed]).alert?.state).toBe('resolved');
    expect(alertIn(deploy('failed', at('10:00'), 'a/b')).fingerprint).not.toBe(alertIn(failed).fingerprint);
    expect(['running', 'canceled'].flatMap(status => eventsOf(deploy(status, at('10:00'))))).toEqual([]);
  });
});

describe('a vulnerability', () => {
  const found = (state: string, updated: string) => ({
    object_kind: 'vulnerability',
    project: undefined,
    object_attributes: {
      url: 'https://gl.example/acme/shop/-/security/vulnerabilities/12',
      title: 'DoS',
      state,
      project_id: 7,
      severity: 'high',
      updated_at: updated,
    },
  });
  test('is found, and its project stands in its address', () => {
    expect(alertIn(found('detected', '2026-11-20T10:00:00Z'), { projects: ['acme'] })).toMatchObject({
      state: 'firing',
      fingerprint: 'vulnerability/7/12',
      severity: 'error',
      labels: { project: 'acme/shop' },
    });
    expect(eventsOf(found('detected', '2026-11-20T10:00:00Z'), { projects: ['other'] })).toEqual([]);
  });
  test('that was dismissed is not cured', () => {
    expect(alertIn(found('dismissed', '2026-11-20T10:00:00Z'))).toMatchObject({ noCure: 'somebody dismissed it' });
    expect(alertIn(found('resolved', '2026-11-20T10:00:00Z')).noCure).toBeUndefined();
  });
});

describe('notices', () => {
  test.each([
    [
      { object_kind: 'build', build_name: 'unit', build_status: 'failed', ref: 'main' },
      'Job unit of acme/shop on main: failed',
    ],
    [
      { object_kind: 'tag_push', ref: 'refs/tags/v1', before: '0'.repeat(40), after: 'a'.repeat(40) },
      'dana created the tag v1 of acme/shop',
    ],
    [
      { object_kind: 'push', ref: 'refs/heads/x', before: 'a'.repeat(40), after: '0'.repeat(40) },
      'dana deleted x of acme/shop',
    ],
    [
      { object_kind: 'feature_flag', object_attributes: { name: 'checkout', active: false } },
      'dana turned the feature flag checkout of acme/shop off',
    ],
    [
      {
        object_kind: 'access_token',
        event_name: 'expiring_access_token',
        object_attributes: { name: 'ci', expires_at: '2026-12-01' },
      },
      'The access token ci of acme/shop expires on 2026-12-01',
    ],
    [
      { object_kind: 'merge_request', object_attributes: { iid: 5, title: 'Faster', action: 'merge' } },
      'merge_request.merge in acme/shop by dana: Faster',
    ],
    [{ object_kind: 'release', action: 'create', name: 'v1.1' }, 'release.create in acme/shop by dana: v1.1'],
    [
      { object_kind: 'emoji', object_attributes: { name: 'eyes', action: 'award' }, issue: { title: 'Slow' } },
      'emoji.award in acme/shop by dana: eyes, on Slow',
    ],
    [{ event_name: 'something_new' }, 'something_new in acme/shop by dana'],
    [{}, 'unknown in acme/shop by dana'],
  ])('%j', (body, title) => {
    expect(eventsOf(body)).toMatchObject([{ kind: 'notice', title }]);
  });

  test('jobs that may fail or did not are told with tellAll', () => {
    const job = (more: object) => ({ object_kind: 'build', build_name: 'lint', build_status: 'failed', ...more });
    for (const body of [job({ build_allow_failure: true }), job({ build_status: 'success' })]) {
      expect(eventsOf(body)).toEqual([]);
      expect(eventsOf(body, { tellAll: true })).toMatchObject([{ kind: 'notice' }]);
    }
  });

  test.each([
    { object_kind: 'issue', event_type: 'confidential_issue', object_attributes: { title: 'A leak', action: 'open' } },
    { object_kind: 'issue', object_attributes: { title: 'A leak', action: 'open', confidential: true } },
    { object_kind: 'note', object_attributes: { id: 1 }, issue: { title: 'A leak', confidential: true } },
  ])('keep the title of what is confidential: %j', body => {
    const [event] = eventsOf(body);
    expect(event?.title).toMatch(/: \(confidential\)$/);
    expect(JSON.stringify(event)).not.toContain('leak');
  });

  test('of members name no actor, because the member is all that is told', () => {
    const body = { event_name: 'user_add_to_team', user: undefined, user_username: 'mallory', access_level: 'Owner' };
    const [event] = eventsOf({ ...body, project: undefined, project_path_with_namespace: 'acme/shop', project_id: 7 });
    expect(event).toMatchObject({ title: 'mallory is now a member of acme/shop (Owner)' });
    expect(event?.labels['actor']).toBeUndefined();
  });
});

describe('changes', () => {
  const [first, second, none] = ['1'.repeat(40), '2'.repeat(40), '0'.repeat(40)];
  const digest = (sha: string) => ({ as: 'digest', digest: sha });

  test('a push says from where to where, and the first and last have only one of them', () => {
    const ref = 'refs/heads/a/b';
    const resource = { type: 'branch', id: `acme/shop:${ref}`, name: 'a/b' };
    const moved = (before: string, after: string) => changesOf({ object_kind: 'push', ref, before, after })[0];
    expect(moved(first, second)).toMatchObject({
      actor: { name: 'dana' },
      action: 'push',
      resource,
      before: digest(first),
      after: digest(second),
      account: 'acme',
      outcome: { state: 'success' },
    });
    expect(moved(none, second)).toMatchObject({ resource, after: digest(second) });
    expect(moved(none, second)).not.toHaveProperty('before');
    expect(moved(first, none)).not.toHaveProperty('after');
    const tagged = { object_kind: 'tag_push', ref: 'refs/tags/v1', before: none, after: second };
    expect(changesOf(tagged)).toMatchObject([{ action: 'tag_push', resource: { type: 'tag', name: 'v1' } }]);
  });

  test('a deployment that ended, beside its alert; what only begins or is canceled is none', () => {
    const commit_url = `https://gl.example/acme/shop/-/commit/${second}`;
    const more = { deployment_id: 15, short_sha: second.slice(0, 8), commit_url, ref: 'main' };
    const ended = (status: string) => hear({ ...deploy(status, at('10:00')), ...more }).events;
    expect(ended('failed')).toMatchObject([
      { kind: 'alert', state: 'firing' },
      {
        kind: 'change',
        title: 'dana deployed main at 22222222 of acme/shop to production, which failed',
        resource: { type: 'environment', id: 'acme/shop:production', name: 'production' },
        after: digest(second),
        environment: 'production',
        outcome: { state: 'failure' },
        changeId: 'deployment/15',
        occurredAt: Date.UTC(2026, 10, 20, 10),
      },
    ]);
    expect(ended('success')).toMatchObject([{ state: 'resolved' }, { outcome: { state: 'success' } }]);
    expect(['created', 'running', 'blocked', 'canceled'].flatMap(ended)).toEqual([]);
    const other = { ...more, commit_url: `https://gl.example/acme/shop/-/commit/${first}` };
    expect(changesOf({ ...deploy('success', at('10:00')), ...other })).toMatchObject([{ after: digest('22222222') }]);
  });

  test('flags and members: what is now, or what was', () => {
    const flag = { object_kind: 'feature_flag', object_attributes: { name: 'checkout', active: false } };
    expect(changesOf(flag)).toMatchObject([
      {
        action: 'feature_flag',
        resource: { type: 'feature_flag', id: 'acme/shop:checkout' },
        after: { as: 'facts', facts: { active: 'false' } },
      },
    ]);
    const member = (event_name: string) =>
      changesOf({ event_name, user: undefined, user_id: 64, user_username: 'mallory', access_level: 'Owner' });
    const facts = { as: 'facts', facts: { access: 'Owner' } };
    expect(member('user_add_to_team')).toMatchObject([{ resource: { id: 'acme/shop:mallory' }, after: facts }]);
    expect(member('user_update_for_team')).toMatchObject([{ after: facts }]);
    expect(member('user_remove_from_team')).toMatchObject([{ before: facts }]);
    expect(member('user_add_to_team')[0]).not.toHaveProperty('actor');
    for (const asked of ['user_access_request_to_project', 'user_access_request_denied_for_project'])
      expect(member(asked)).toEqual([]);
  });

  test('projects and groups that come, go or are renamed; nothing else', () => {
    const group = { event_name: 'subgroup_create', project: undefined, full_path: 'acme/web' };
    expect(changesOf(group)).toMatchObject([
      { action: 'subgroup_create', resource: { type: 'group', id: 'acme/web' }, account: 'acme' },
    ]);
    expect(changesOf({ event_name: 'project_destroy' })).toMatchObject([{ resource: { type: 'project' } }]);
    const others = ['issue', 'note', 'merge_request', 'repository_update', 'build', 'access_token', 'wiki_page'];
    expect(others.flatMap(object_kind => changesOf({ object_kind, object_attributes: {} }))).toEqual([]);
  });
});

describe('projects', () => {
  test.each([
    ['acme/shop', ['acme/shop'], true],
    ['ACME/Shop', ['acme/shop'], true],
    ['acme/web/shop', ['acme'], true],
    ['acme-evil/shop', ['acme'], false],
    ['acme/shop2', ['acme/shop'], false],
    ['evil/acme/shop', ['acme/shop'], false],
  ])('%s of %j: %j', (path_with_namespace, projects, isTaken) => {
    const made = hear(pipeline('failed', '10:00', '10:05', {}, { project: { ...project, path_with_namespace } }), {
      projects,
    });
    expect([made.events.length, made.echo]).toEqual(isTaken ? [1, undefined] : [0, 'foreign']);
  });

  test('leave out what names no place', () => {
    expect(hear({ event_name: 'user_create', project: undefined }, { projects: ['acme'] })).toMatchObject({
      events: [],
      echo: 'foreign',
    });
    expect(eventsOf({ event_name: 'user_create', project: undefined })).toHaveLength(1);
  });

  test('must be paths', () => {
    for (const one of ['', '/acme', 'acme/', 'acme//shop', '*', 'a b'])
      expect(source.options.safeParse({ projects: [one] }).success, one).toBe(false);
  });
});

describe('a repetition', () => {
  const idOf = (body: object, headers: Record<string, string> = {}) => hear(body, {}, headers).deliveryId;
  test('is known by its bytes, whatever its headers say', () => {
    const body = pipeline('failed', '10:00', '10:05');
    expect(idOf(body, { 'Idempotency-Key': 'a' })).toBe(idOf(body, { 'Idempotency-Key': 'b' }));
  });
  test('of what has no time is known by its id', () => {
    const on = { object_kind: 'feature_flag', object_attributes: { name: 'x', active: true } };
    expect(idOf(on, { 'Idempotency-Key': 'a' })).toBe(idOf(on, { 'Idempotency-Key': 'a' }));
    expect(idOf(on, { 'Idempotency-Key': 'a' })).not.toBe(idOf(on, { 'Idempotency-Key': 'b' }));
    expect(idOf(on, { 'webhook-id': 'a', 'Idempotency-Key': 'x' })).toBe(idOf(on, { 'webhook-id': 'a' }));
  });
});

describe('the signature', () => {
  const bytes = Buffer.from('0123456789abcdef0123456789abcdef');
  const signingToken = `whsec_${bytes.toString('base64')}`;
  const sign = (body: string, seconds: number, key: Buffer | string = bytes) =>
    `v1,${createHmac('sha256', key).update(`id-1.${seconds}.${body}`).digest('base64')}`;
  const verify = (headers: Record<string, string>, options: object = { signingToken }) =>
    source.verify(delivery('{}', headers), source.options.parse(options));
  const seconds = Math.floor(now / 1000);
  const right = {
    'webhook-id': 'id-1',
    'webhook-timestamp': String(seconds),
    'webhook-signature': sign('{}', seconds),
  };

  test('is over id, time and body with the decoded key', () => {
    expect(verify(right)).toEqual({ ok: true, by: 'hmac' });
    expect(verify({ ...right, 'webhook-signature': `v1,AAAA ${right['webhook-signature']}` }).ok).toBe(true);
    expect(verify({ ...right, 'webhook-signature': sign('{}', seconds, signingToken) }).ok).toBe(false);
    expect(verify({ ...right, 'webhook-id': 'id-2' }).ok).toBe(false);
    expect(verify({ ...right, 'webhook-signature': right['webhook-signature'].replace('v1,', 'v2,') }).ok).toBe(false);
  });

  test.each([-301, 301])('is refused %j s away, although it is right', away => {
    const other = seconds + away;
    const headers = { ...right, 'webhook-timestamp': String(other), 'webhook-signature': sign('{}', other) };
    expect(verify(headers).ok).toBe(false);
    expect(verify(headers, { signingToken, tolerance: '10m' }).ok).toBe(true);
  });

  test('and the token are both asked for where both are configured', () => {
    const both = { token: 's3cret', signingToken };
    expect(verify(right, both).ok).toBe(false);
    expect(verify({ 'X-Gitlab-Token': 's3cret' }, both).ok).toBe(false);
    expect(verify({ ...right, 'X-Gitlab-Token': 's3cret' }, both)).toEqual({ ok: true, by: 'hmac' });
  });

  test('needs a token of at least 16 bytes', () => {
    expect(source.options.safeParse({ signingToken: 'whsec_abc' }).success).toBe(false);
    expect(refusal(() => take(source, delivery('[]'), {}))).toMatchObject({ code: 'bad-body' });
  });
});

test('doctor names what is missing', async () => {
  const check = async (options: object) =>
    (await source.check?.(source.options.parse(options), {} as never))?.map(({ state }) => state);
  expect(await check({})).toEqual(['warning', 'warning']);
  expect(await check({ token: 'x', projects: ['acme'] })).toEqual(['ok']);
});
