import { afterEach, expect, test } from 'vitest';
import { createHttp } from '../../src/http/server.ts';
import { configFile } from '../../src/model/config.ts';
import { createWorld, type World } from './setup.ts';

let world: World;
afterEach(() => world.close());

test('proxies of tocsin.yaml are believed from the next request after a reload on, and no longer once they are left out', async () => {
  world = await createWorld();
  // A second server of the same parts, with a page that says for whom a request is taken.
  const app = await createHttp(world.parts);
  app.get('/healthz/who', request => request.ip);
  const who = async () => {
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    return (await app.inject({ url: '/healthz/who', remoteAddress: '10.0.0.9', headers })).body;
  };
  const reload = (proxies: string[]) => {
    world.config = configFile.parse({ proxies });
  };
  expect(await who()).toBe('10.0.0.9');
  reload(['10.0.0.9']);
  expect(await who()).toBe('203.0.113.7');
  reload(['10.0.0.8']);
  expect(await who()).toBe('10.0.0.9');
  reload(['10.0.0.0/24']);
  expect(await who()).toBe('203.0.113.7');
  reload([]);
  expect(await who()).toBe('10.0.0.9');
  await app.close();
});
