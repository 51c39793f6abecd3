import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import source from '../../src/sources/zabbix/index.ts';
import { parameterNames } from '../../src/sources/zabbix/parameters.ts';
import { captured } from '../sources/captured.ts';
import { delivery, take } from '../sources/helpers.ts';

/** The media type that people import into Zabbix, with its script run as Zabbix runs it: a function of the parameters as JSON. */
const file = readFileSync(new URL('../../deploy/zabbix/media-tocsin.yaml', import.meta.url), 'utf8');
const [media] = parse(file).zabbix_export.media_types;
const parameters: Record<string, string> = Object.fromEntries(
  media.parameters.map(({ name, value }: { name: string; value: string }) => [name, value]),
);

interface Sent {
  url: string;
  headers: string[];
  body: string;
}

/** Runs the script against an HTTP client that answers this status. Nothing else of Zabbix or of Node is there. */
function run(given: object, status = 202): { result: unknown; sent: Sent[] } {
  const sent: Sent[] = [];
  class HttpRequest {
    readonly #headers: string[] = [];
    addHeader(line: string): void {
      this.#headers.push(line);
    }
    post(url: string, body: string): string {
      sent.push({ url, headers: [...this.#headers], body });
      return 'the answer';
    }
    getStatus(): number {
      return status;
    }
  }
  const script = new Function('value', 'HttpRequest', 'process', 'globalThis', media.script);
  return { result: script(JSON.stringify(given), HttpRequest), sent };
}

const reached = { tocsin_url: 'https://tocsin.example.com/events/zabbix', tocsin_token: 'a token' };

describe('the media type', () => {
  it('has every parameter that the source reads, each with its macro', () => {
    const names = Object.keys(parameters);
    expect(names).toEqual([...parameterNames, 'tocsin_token', 'tocsin_url'].toSorted());
    for (const name of parameterNames) {
      const macro = name.replace('event_recovery_', 'event.recovery.').replace('event_update_', 'event.update.');
      expect(parameters[name], name).toBe(`{${macro.replace('_', '.').toUpperCase()}}`);
    }
    expect(media.message_templates.map((one: { operation_mode: string }) => one.operation_mode)).toEqual([
      'PROBLEM',
      'RECOVERY',
      'UPDATE',
    ]);
  });

  it('posts the parameters with the token, and neither token nor address in the body', () => {
    const values = JSON.parse(captured('zabbix/problem').body.toString());
    const { result, sent } = run({ ...values, ...reached });
    expect(result).toBe('OK');
    expect(sent).toMatchObject([
      {
        url: reached.tocsin_url,
        headers: ['Content-Type: application/json', 'Authorization: Bearer a token'],
      },
    ]);
    const { events } = take(source, delivery(sent[0]?.body ?? ''), { timezone: 'UTC' });
    expect(events).toEqual(take(source, delivery(JSON.stringify(values)), { timezone: 'UTC' }).events);
    expect(sent[0]?.body).not.toMatch(/a token|tocsin\.example|tocsin_/);
  });

  it('fails when Tocsin did not take it, so that Zabbix tries again', () => {
    for (const status of [0, 199, 301, 401, 422, 503])
      expect(() => run({ ...reached, event_id: '1' }, status)).toThrow(`Tocsin answered ${status} the answer`);
    expect(run({ ...reached }, 202).result).toBe('OK');
  });

  it('says which macro is missing, and sends nothing', () => {
    expect(() => run({ ...reached, tocsin_url: '{$TOCSIN.URL}' })).toThrow('{$TOCSIN.URL}');
    expect(() => run({ ...reached, tocsin_token: '{$TOCSIN.TOKEN}' })).toThrow('{$TOCSIN.TOKEN}');
    expect(() => run({ ...reached, tocsin_token: '' })).toThrow('{$TOCSIN.TOKEN}');
  });

  it('is for the engine of Zabbix, which knows ECMAScript 5', () => {
    expect(media.script).not.toMatch(/\b(let|const|class|async|await)\b|=>|`|\?\.|\?\?|\.\.\./);
  });
});
