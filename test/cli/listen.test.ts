import { expect, test } from 'vitest';
import { tracingSettings } from '../../src/app/tracing.ts';
import { parseListen } from '../../src/cli/environment.ts';

test.each([
  ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
])('%s is where to listen', (text, listen) => {
  expect(parseListen(text)).toEqual(listen);
});

test.each([
  '127.0.0.1',
  '127.0.0.1:',
  ':8080',
  'a:65536',
  'a:0x50',
  'a:080',
  'a:1e3',
  'a: 80',
  'a:80 ',
  'a:-1',
  'a:99999',
])('%j is not', text => {
  expect(() => parseListen(text)).toThrow(expect.objectContaining({ code: 'environment-invalid', given: text }));
});

test.each([
  ['5000', 5000],
  ['0x10', 10_000],
  ['1e2', 10_000],
  ['0', 10_000],
  ['-5', 10_000],
  ['soon', 10_000],
])(
  'a time-out of the collector of %j is %i ms: what is no number is passed over, as OpenTelemetry says',
  (given, ms) => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.test:4318', OTEL_EXPORTER_OTLP_TIMEOUT: given };
    expect(tracingSettings(env)?.timeoutMillis).toBe(ms);
  },
);
