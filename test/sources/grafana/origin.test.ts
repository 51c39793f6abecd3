import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import source from '../../../src/sources/grafana/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';

interface Annotation {
  time: number;
  tags: string[];
  text: string;
  dashboardUID?: string;
  panelId?: number;
}

/** The annotations of a Grafana: strict about the token, the tags of a search, and dashboards that are not there. */
let annotations: Annotation[];
let fail: number | null;
let loseAnswer: boolean;
let server: Server;
let url = '';
beforeEach(async () => {
  annotations = [];
  fail = null;
  loseAnswer = false;
  server = createServer(async (request, response) => {
    const asked = new URL(request.url ?? '', 'http://double');
    let text = '';
    for await (const chunk of request) text += chunk;
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', ...(status === 429 && { 'retry-after': '7' }) });
      response.end(JSON.stringify(body));
    };
    if (request.headers.authorization !== 'Bearer glsa_double') answer(401, { message: 'Unauthorized' });
    else if (fail !== null) answer(fail, { message: 'the double fails' });
    else if (asked.pathname !== '/api/annotations') answer(404, { message: 'Not found' });
    else if (request.method === 'GET') {
      const tags = asked.searchParams.getAll('tags');
      answer(200, annotations.filter(one => tags.every(tag => one.tags.includes(tag))).slice(0, 1));
    } else {
      const annotation: Annotation = JSON.parse(text);
      if (annotation.dashboardUID === 'gone') return answer(404, { message: 'Dashboard not found' });
      annotations.push(annotation);
      if (loseAnswer) response.destroy();
      else answer(200, { id: annotations.length, message: 'Annotation added' });
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const open = (more: object = {}) =>
  source.origin?.(source.options.parse({ url, apiToken: 'glsa_double', annotate: true, ...more }), {
    clock: systemClock,
    log: silentLog,
    reach: () => fetch,
  });
const panel = { label: 'Panel', url: 'https://grafana.example/d/abc-1?orgId=1&viewPanel=4' };
const write = (links = [panel], more: object = {}) =>
  open(more)?.note?.(sampleAlert({ links }), { text: 'Tocsin: <b>Fix</b> failed', marker: 'note/run_1/7' });

describe('annotations', () => {
  test('are written only where it is asked for, and nothing else is', () => {
    expect(open({ annotate: undefined })).toBeNull();
    expect(Object.keys(open() ?? {})).toEqual(['perMinute', 'note']);
    expect(source.options.safeParse({ annotate: true }).success).toBe(false);
  });

  test('stand on the panel of the alert, with their words as text', async () => {
    expect(await write()).toBe('Wrote an annotation on the dashboard in Grafana');
    expect(annotations).toEqual([
      {
        time: expect.any(Number),
        tags: ['tocsin', 'tocsin-note/run_1/7'],
        text: 'Tocsin: &lt;b&gt;Fix&lt;/b&gt; failed',
        dashboardUID: 'abc-1',
        panelId: 4,
      },
    ]);
  });

  test('are written once, also when the answer was lost', async () => {
    loseAnswer = true;
    await expect(write()).rejects.toSatisfy(error => isCode(error, 'origin-down'));
    loseAnswer = false;
    expect(await write()).toBe('The annotation is in Grafana already');
    expect(annotations).toHaveLength(1);
  });

  test.each([
    ['no dashboard', []],
    ['one that is gone', [{ label: 'Dashboard', url: 'https://grafana.example/d/gone' }]],
    ['a link to something else', [{ label: 'Dashboard', url: 'https://grafana.example/explore' }]],
  ])('belong to the organisation with %s', async (_what, links) => {
    expect(await write(links)).toContain('Wrote an annotation in Grafana');
    expect(annotations).toMatchObject([{ tags: ['tocsin', 'tocsin-note/run_1/7'] }]);
    expect(annotations[0]).not.toHaveProperty('dashboardUID');
  });

  test.each([
    [401, 'origin-down'],
    [403, 'origin-refused'],
    [429, 'origin-limited'],
    [500, 'origin-down'],
  ])('status %i is %s', async (status, code) => {
    fail = status;
    await expect(write()).rejects.toSatisfy(
      error => isCode(error, code as never) && error.message.includes('Grafana answered'),
    );
  });
});
