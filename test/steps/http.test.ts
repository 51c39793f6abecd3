import { describe, expect, it } from 'vitest';
import http from '../../src/steps/http.ts';
import { makeStepContext } from '../doubles/step-context.ts';

const canary = 'canary-7f3a9c1e5b';

/** Sends through a fetch that answers with what it was sent. */
async function send(input: object, secrets: Record<string, string> = { token: canary }) {
  const sent: Request[] = [];
  const echo: typeof fetch = async (url, init) => {
    const request = new Request(url as string, init);
    sent.push(request.clone());
    const text = JSON.stringify({ headers: Object.fromEntries(request.headers), body: await request.text() });
    return new Response(`${text}\0`, {
      headers: { 'x-echo': request.headers.get('authorization') ?? '', 'set-cookie': 'session=1' },
    });
  };
  const double = await makeStepContext({ fetch: echo, secrets });
  const result = await http.run(http.input.parse({ url: 'http://service.example/a', ...input }), double.context);
  return { result, sent: sent[0], shown: await double.shown() };
}

describe('http', () => {
  it('sends what is written, and the secret as it is meant', async () => {
    const { sent } = await send({
      method: 'POST',
      headers: { 'X-Request': 'a' },
      body: { on: true },
      secrets: { Authorization: 'token', 'X-Api-Key': 'token' },
    });
    expect(sent?.method).toBe('POST');
    expect(Object.fromEntries(sent?.headers ?? [])).toMatchObject({
      authorization: `Bearer ${canary}`,
      'x-api-key': canary,
      'x-request': 'a',
      'content-type': 'application/json',
      'idempotency-key': 'run_1/step',
    });
    expect(await sent?.text()).toBe('{"on":true}');
  });

  it('leaves a credential that is more than one word as it is', async () => {
    const { sent } = await send({ secrets: { Authorization: 'token' } }, { token: 'Basic dXNlcjpwYXNz' });
    expect(sent?.headers.get('authorization')).toBe('Basic dXNlcjpwYXNz');
  });

  it('keeps no secret of an answer that repeats what it was sent', async () => {
    const { result, shown } = await send({ secrets: { Authorization: 'token' } });
    for (const sink of [JSON.stringify(result), shown]) {
      expect(sink).toContain('[redacted]');
      expect(sink).not.toContain(canary);
      expect(sink).not.toContain('session=1');
      expect(sink).not.toContain('\\u0000');
    }
  });

  it('repeats no secret in an error', async () => {
    const error = await send({ secrets: { Authorization: 'token' } }, { token: `${canary}\nsecond line` }).catch(
      e => e,
    );
    expect(error).toMatchObject({ code: 'params-invalid' });
    expect(JSON.stringify(error) + error.stack).not.toContain(canary);
  });

  it('shows what is sent, secrets by name, nothing hidden', () => {
    const input = http.input.parse({
      url: 'http://service.example/\u202e',
      method: 'PUT',
      headers: { A: 'b' },
      body: 'text',
      secrets: { Authorization: 'token' },
    });
    expect(http.show(input)).toBe(
      'PUT http://service.example/\\u202e  A: "b"  Authorization: <secret token>  body "text"',
    );
  });

  it.each(['', 'service.example', 'ftp://a', '//a', 'javascript:1'])('%j is no address', url => {
    expect(http.input.safeParse({ url }).success).toBe(false);
  });
});
