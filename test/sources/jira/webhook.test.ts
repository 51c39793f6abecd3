import { describe, expect, test } from 'vitest';
import source from '../../../src/sources/jira/index.ts';
import { commentOf, labelOf } from '../../../src/sources/jira/own.ts';
import { foldEvents } from '../captured.ts';
import { alertsOf, delivery, now, take } from '../helpers.ts';

const apiToken = 'jira token';
const account = '557058:tocsin';
const label = labelOf(apiToken, 'alt_1', 3);

function hear(more: object = {}, fields: object = {}, given: object = { apiToken, account }) {
  const body = {
    timestamp: now - 1000,
    webhookEvent: 'jira:issue_updated',
    issue_event_type_name: 'issue_updated',
    user: { accountId: 'mina', displayName: 'Mina' },
    issue: {
      id: '10002',
      key: 'OPS-12',
      self: 'https://acme.atlassian.net/rest/api/2/issue/10002',
      fields: {
        summary: 'It burns',
        created: '2026-11-20T11:00:00.000+0000',
        labels: [],
        status: { name: 'Open', statusCategory: { key: 'new' } },
        ...fields,
      },
    },
    ...more,
  };
  return take(source, delivery(JSON.stringify(body)), given);
}
const done = { status: { name: 'Done', statusCategory: { key: 'done' } } };
const moved = { changelog: { items: [{ field: 'status', fromString: 'Open', toString: 'Done' }] } };
const said = (body: unknown) => ({
  issue_event_type_name: 'issue_commented',
  comment: { body, author: { displayName: 'Mina' } },
});

describe('an issue of Jira', () => {
  test('is one alert until it is done, and again when it is opened again', () => {
    const opened = hear({ webhookEvent: 'jira:issue_created', timestamp: now - 9000 });
    const over = hear({ timestamp: now - 5000, ...moved }, done);
    const again = hear({ timestamp: now - 2000 });
    const { effects, alert } = foldEvents([opened, over, opened, again].flatMap(({ events }) => events));
    expect(effects).toEqual(['opened', 'resolved', 'stale', 'reopened']);
    expect(alert).toMatchObject({ fingerprint: '10002', state: 'firing', title: 'OPS-12: It burns' });
  });

  test.each([
    ['Highest', 'critical'],
    ['major', 'error'],
    ['Lowest', 'info'],
    ['Ours alone', 'warning'],
    [undefined, 'warning'],
  ])('of the priority %s is %s', (name, severity) => {
    expect(alertsOf(hear({}, { priority: { name } }).events)).toMatchObject([{ severity }]);
  });

  test('that is deleted ended without a cure', () => {
    expect(hear({ webhookEvent: 'jira:issue_deleted' }).events).toMatchObject([
      { state: 'resolved', noCure: expect.stringContaining('deleted') },
    ]);
  });

  test('has its page at the address of the options, else of the API', () => {
    const url = (given: object) => alertsOf(hear({}, {}, given).events)[0]?.links[0]?.url;
    expect(url({})).toBe('https://acme.atlassian.net/browse/OPS-12');
    expect(url({ url: 'https://jira.example.com/' })).toBe('https://jira.example.com/browse/OPS-12');
  });

  test('is over also where somebody copied the mark of a comment of ours below the one that ends it', () => {
    const copied = said(commentOf('words', 'note/run_1/5', apiToken));
    expect(hear(copied)).toMatchObject({ events: [], echo: 'note' });
    expect(hear({ ...copied, ...moved }, done).events).toMatchObject([{ kind: 'alert', state: 'resolved' }]);
    expect(hear({ ...copied, ...moved }, { ...done, labels: [label] }).events).toMatchObject([
      { kind: 'notice', title: 'Mina closed OPS-12: Open → Done' },
    ]);
  });

  test('comments and other events are notices', () => {
    expect(hear({ webhookEvent: 'comment_created', ...said('look') }).events).toMatchObject([
      { kind: 'notice', about: '10002', title: 'Mina on OPS-12: look' },
    ]);
    expect(hear({ webhookEvent: 'sprint_started', issue: undefined }).events).toMatchObject([
      { kind: 'notice', title: 'Jira: sprint_started' },
    ]);
  });
});

describe('a ticket of Tocsin', () => {
  const ticket = (more: object, fields: object = {}, given?: object) =>
    hear(more, { labels: ['tocsin', label], ...fields }, given);
  const notice = (title: string) => [{ kind: 'notice', title, ticketOf: { alert: 'alt_1', episode: 3 } }];

  test('tells what people did to it', () => {
    expect(ticket(moved, done).events).toMatchObject(notice('Mina closed OPS-12: Open → Done'));
    const odd = { changelog: { items: [{ field: 'status' }] } };
    expect(ticket(odd).events).toMatchObject(notice('Mina moved OPS-12: ? → ?'));
    expect(ticket(said('I look')).events).toMatchObject(notice('Mina on OPS-12: I look'));
    expect(ticket({ webhookEvent: 'jira:issue_deleted' }).events).toMatchObject(notice('Mina deleted OPS-12'));
    expect(ticket(moved, done).events[0]).not.toHaveProperty('about');
  });

  test('tells nothing of what Tocsin did, and of fields', () => {
    const own = { user: { accountId: account, displayName: 'Tocsin' } };
    expect(ticket({ ...moved, ...own }, done)).toMatchObject({ events: [], echo: 'ticket' });
    expect(ticket({ webhookEvent: 'jira:issue_created', ...own })).toMatchObject({ events: [], echo: 'ticket' });
    expect(ticket({ changelog: { items: [{ field: 'assignee' }] } })).toMatchObject({ events: [], echo: 'ticket' });
    const comment = commentOf('Tocsin: Fix failed', 'ticket-note/run_1/7', apiToken);
    expect(ticket(said(comment))).toMatchObject({ events: [], echo: 'note' });
    expect(ticket(said(comment.replace('run_1', 'run_2'))).events).toHaveLength(1);
    expect(ticket({ ...said('gone'), issue_event_type_name: 'issue_comment_deleted' }).events).toEqual([]);
  });

  test('is known by a label that only the token makes', () => {
    for (const other of [label.replace('alt_1', 'alt_2'), label.replace('-3-', '-4-'), `${label}0`, 'tocsin-x'])
      expect(hear(moved, { ...done, labels: [other] }).events, other).toMatchObject([{ kind: 'alert' }]);
    expect(ticket(moved, done, {}).events).toMatchObject([{ kind: 'alert' }]);
  });
});
