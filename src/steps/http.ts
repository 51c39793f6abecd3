import type { z } from 'zod';
import {
  type HttpRequestInput,
  httpAnswer,
  httpRequest,
  isOkStatus,
  sendRequest,
  showAnswer,
  showRequest,
} from '../kernel/egress/request.ts';
import { defineStep } from '../ports/step.ts';

export default defineStep<HttpRequestInput, z.infer<typeof httpAnswer>>({
  id: 'http',
  about:
    'Sends one request and reads the answer, 1 MiB at most. Only hosts under `egress` in tocsin.yaml are reached; redirects are followed three times at most and get no credentials elsewhere. Fails on a status that does not count as success.',
  input: httpRequest,
  output: httpAnswer,
  risk: 'medium',
  idempotent: false,
  timeout: 30_000,
  examples: [
    { title: 'Ask for a page', input: { url: 'http://service.example/healthz' }, expect: { state: 'done' } },
    {
      title: 'Send JSON with a token',
      input: {
        url: 'http://service.example/echo',
        method: 'POST',
        body: { on: true },
        secrets: { Authorization: 'example' },
      },
      expect: { state: 'done' },
    },
    {
      title: 'A status that is fine',
      input: { url: 'http://service.example/missing', okStatus: [200, 404] },
      expect: { state: 'done' },
    },
    {
      title: 'A status that is not',
      input: { url: 'http://service.example/missing' },
      expect: { state: 'failed', because: 'status 404' },
    },
    {
      title: 'A host that is not allowed',
      input: { url: 'http://169.254.169.254/latest/' },
      expect: { state: 'failed', because: 'is not allowed' },
    },
    {
      title: 'Not an address',
      input: { url: 'file:///etc/passwd' },
      expect: { refused: 'an address begins with http://' },
    },
    {
      title: 'Nothing that splits a header',
      input: { url: 'http://service.example/', headers: { A: 'b\r\nC: d' } },
      expect: { refused: 'one line' },
    },
  ],
  show: showRequest,
  deed: ({ method, url }) => ({ kind: 'request', method, url }),
  async run(input, context) {
    if (context.dry) {
      context.say(`would send: ${showRequest(input)}`);
      return { state: 'done', output: { status: input.okStatus?.[0] ?? 200, headers: {}, body: '' } };
    }
    const answer = await sendRequest(input, { ...context, secret: name => context.secret(name) });
    context.say(showAnswer(answer));
    if (isOkStatus(answer.status, input.okStatus)) return { state: 'done', output: answer };
    return { state: 'failed', because: showAnswer(answer), output: answer };
  },
});
