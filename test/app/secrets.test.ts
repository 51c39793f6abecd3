import { describe, expect, it } from 'vitest';
import { secretsOf } from '../../src/app/secrets.ts';

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
