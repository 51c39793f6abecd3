import { describe, expect, it } from 'vitest';
import { maskOptions, secretsOf } from '../../src/app/secrets.ts';

const none = { secrets: {}, tokens: [], sources: {}, chat: {} };
const nobody = { env: {}, localKey: null };

describe('what must never be shown', () => {
  it('is every secret of tocsin.yaml, also those that sources and platforms prove themselves with', () => {
    const found = secretsOf(
      { ...nobody, env: { ALICE: 'token of alice' } },
      {
        secrets: { deploy: 'deploy secret' },
        tokens: [{ env: 'ALICE', person: 'alice' }],
        sources: {
          alertmanager: {
            token: ['first token', 'next token'],
            basic: { user: 'prometheus', password: 'basic password' },
            headers: { Authorization: 'Bearer api token', 'X-Api-Key': 'api key', Accept: 'application/json' },
          },
          hooks: {
            type: 'webhook',
            verify: { hmac: { secret: 'hmac secret', secretEncoding: 'base64', header: 'x-signature' } },
            bearer: 'bearer of hooks',
          },
          nagios: { type: 'webhook', auth: { header: { name: 'X-Sender', value: ['header value', 'next value'] } } },
          pagerduty: { apiKey: 'pd key', from: 'bot@example.com', signing_key: 'pd signing' },
        },
        chat: { slack: { appToken: 'app token of chat' } },
      },
    );
    expect(new Set(found)).toEqual(
      new Set([
        'deploy secret',
        'token of alice',
        'first token',
        'next token',
        'basic password',
        'Bearer api token',
        'api token',
        'api key',
        'hmac secret',
        'bearer of hooks',
        'header value',
        'next value',
        'pd key',
        'pd signing',
        'app token of chat',
      ]),
    );
  });

  it('is every private key, whatever its option is called, and no path of one', () => {
    const pem = '-----BEGIN RSA PRIVATE KEY-----\\nhidden-9\\n-----END RSA PRIVATE KEY-----';
    const given = { app: { id: 5, key: pem }, tls: { key: '/etc/tocsin/key.pem' } };
    expect(secretsOf(nobody, { ...none, sources: { github: given } })).toEqual([pem, pem.replaceAll('\\n', '\n')]);
    expect(maskOptions(given)).toEqual({ app: { id: 5, key: '[redacted]' }, tls: { key: '/etc/tocsin/key.pem' } });
  });

  it('is every token of a chat platform in the environment, and the passwords in addresses', () => {
    const env = {
      SLACK_BOT_TOKEN: 'xoxb-1',
      SLACK_APP_TOKEN: 'xapp-1',
      SLACK_SIGNING_SECRET: 'signing',
      SLACK_API_URL: 'http://127.0.0.1:1/api/',
      DISCORD_TOKEN: ' discord ',
      DATABASE_URL: 'postgres://tocsin:p%40ss%2Fword@db/tocsin',
      REDIS_URL: 'rediss://:redis-pass@cache:6380/0',
      HOME: '/home/tocsin',
    };
    expect(new Set(secretsOf({ env, localKey: 'local-key' }, none))).toEqual(
      new Set(['xoxb-1', 'xapp-1', 'signing', 'discord', 'p%40ss%2Fword', 'p@ss/word', 'redis-pass', 'local-key']),
    );
  });

  it('is nothing where nothing is secret, whatever the addresses look like', () => {
    expect(secretsOf({ ...nobody, env: { DATABASE_URL: 'not an address', REDIS_URL: 'redis://cache' } }, none)).toEqual(
      [],
    );
    expect(secretsOf({ ...nobody, env: { DATABASE_URL: 'postgres://a:%ZZ@db/x' } }, none)).toEqual(['%ZZ']);
  });
});

describe('options as they are shown', () => {
  it('have no secret, by the names that hide it elsewhere, and keep everything else', () => {
    const given = {
      type: 'webhook',
      auth: {
        bearer: 'hidden-1',
        basic: { user: 'me', password: ['hidden-2', 'hidden-3'] },
        header: { name: 'x-token', value: 'hidden-4' },
        hmac: { header: 'x-sig', secret: 'hidden-5', encoding: 'hex' },
      },
      apiKey: { header: 'x-key', value: 'hidden-6' },
      headers: { authorization: 'Bearer hidden-7' },
      url: 'https://me:hidden-8@am.example/api',
      topics: ['arn:aws:sns:eu-west-1:1:alarms'],
      severity: { deployment: 'error' },
      confirm: true,
    };
    const shown = maskOptions(given);
    expect(JSON.stringify(shown)).not.toContain('hidden-');
    expect(shown).toMatchObject({
      type: 'webhook',
      auth: {
        basic: { user: 'me', password: ['[redacted]', '[redacted]'] },
        header: { name: 'x-token', value: '[redacted]' },
        hmac: { header: 'x-sig', secret: '[redacted]', encoding: 'hex' },
      },
      url: 'https://me:[redacted]@am.example/api',
      topics: ['arn:aws:sns:eu-west-1:1:alarms'],
      severity: { deployment: 'error' },
      confirm: true,
    });
    expect(maskOptions(null)).toBeNull();
  });
});
