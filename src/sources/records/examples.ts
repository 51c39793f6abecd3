import type { SourceExample } from '../../ports/source.ts';

const options = {
  token: 'an example token',
  detect: [
    {
      name: 'failed logins',
      where: 'record.event == "login" && record.ok == false',
      by: ['record.user'],
      count: { atLeast: 3, within: '5m' },
    },
  ],
};
const headers = { authorization: 'Bearer an example token', 'content-type': 'application/x-ndjson' };

export const examples: readonly SourceExample[] = [
  {
    title: 'Three records, one a line',
    options,
    headers,
    body: '{"event":"login","user":"ann","ok":false}\n{"event":"login","user":"bob","ok":true}\n{"event":"logout","user":"bob"}\n',
    expect: { records: 3 },
  },
  {
    title: 'A list, as the http output of Logstash sends it with format json_batch',
    options,
    headers: { ...headers, 'content-type': 'application/json' },
    body: '[{"event":"login","user":"ann","ok":false},{"event":"login","user":"ann","ok":false}]',
    expect: { records: 2 },
  },
  {
    title: 'A line that is no record does not block the others',
    options,
    headers,
    body: '{"event":"login"}\nnonsense\n{"event":"logout"}\n',
    expect: { records: 2, unreadable: 1 },
  },
  {
    title: 'Events of a client of the Splunk HTTP Event Collector',
    options: { ...options, time: 'time' },
    headers: { ...headers, authorization: 'Splunk an example token' },
    body: '{"time":1795604400,"event":{"user":"ann"}}{"time":1795604401,"event":"text"}',
    expect: { records: 2 },
  },
  {
    title: 'Another token',
    options,
    headers: { ...headers, authorization: 'Bearer guessed' },
    body: '{"event":"login"}',
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'A body that says gzip and is none',
    options,
    headers: { ...headers, 'content-encoding': 'gzip' },
    body: '{"event":"login"}',
    expect: { refused: 'bad-body' },
  },
  {
    title: 'An expression with a mistake',
    options: { token: 'an example token', detect: [{ name: 'wrong', where: 'record.user = "ann"' }] },
    headers,
    body: '{}',
    expect: { refused: 'file-invalid' },
  },
];
