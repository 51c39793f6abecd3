import { afterEach, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';

let test: TestApp;
afterEach(() => test.stop());

const files = { 'policy.yaml': 'rules:\n  - name: ask\n    decide: approve\n    by: sre\n' };
const browser = 'text/html,application/xhtml+xml,*/*;q=0.8';

async function signIn(): Promise<string> {
  const answer = await fetch(`${test.app.url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: test.app.url, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: tokens['ALICE'] ?? '', to: '/' }).toString(),
  });
  expect(answer.status).toBe(303);
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

it('a page that fails is a page, and a part of a page that a script asked for is a part', async () => {
  let broken = false;
  test = await startTestApp(files, {
    wrapStore: store => ({
      ...store,
      findRuns: filter => (broken ? Promise.reject(new Error('SECRET of the disk')) : store.findRuns(filter)),
    }),
  });
  const cookie = await signIn();
  const get = (headers: Record<string, string>) =>
    fetch(`${test.app.url}/runs`, { headers: { cookie, accept: browser, ...headers } });
  expect((await get({})).status).toBe(200);
  broken = true;
  const page = await get({});
  expect([page.status, page.headers.get('content-type')]).toEqual([500, 'text/html; charset=utf-8']);
  const text = await page.text();
  expect(text).toMatch(/^<!doctype html>[\s\S]*<h1>This did not work<\/h1>[\s\S]*<a href="\/">/);
  expect(text).not.toContain('SECRET');
  const part = await get({ 'hx-request': 'true' });
  expect(part.status).toBe(500);
  expect(await part.text()).toMatch(/^<div class="notice notice-error">/);
  broken = false;
});

it('a form that another site sends, a body that no form sends, and an address that is none answer with a page', async () => {
  test = await startTestApp(files);
  const { url } = test.app;
  const send = async (path: string, init: RequestInit, headers: Record<string, string>) => {
    const answer = await fetch(url + path, { ...init, redirect: 'manual', headers: { accept: browser, ...headers } });
    return [answer.status, /<h1>(.*?)<\/h1>/.exec(await answer.text())?.[1]];
  };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const post = { method: 'POST', body: 'token=x' };
  expect(await send('/login', post, { ...form, origin: 'http://evil.example' })).toEqual([403, 'Refused']);
  expect(await send('/login', post, { 'content-type': 'application/json', origin: url })).toEqual([415, 'Refused']);
  expect(await send('/no/such/page', {}, {})).toEqual([404, 'Not found']);
  expect((await fetch(`${url}/no/such/page`)).headers.get('content-type')).toBe('application/json; charset=utf-8');
});
