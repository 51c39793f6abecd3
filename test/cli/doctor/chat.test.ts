import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DiscordDouble, startDiscord } from '../../doubles/discord/index.ts';
import { addMember, addRole } from '../../doubles/discord/world.ts';
import { startSlack } from '../../doubles/slack/index.ts';
import { cli } from '../terminal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-doctor-'));
  await mkdir(join(folder, 'runbooks'));
  await writeFile(join(folder, 'policy.yaml'), 'rules: [{ name: ask, decide: approve, by: leads }]');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function doctor(config: string, env: Record<string, string>) {
  await writeFile(join(folder, 'tocsin.yaml'), config);
  const standard = {
    TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
    TOCSIN_DATA: join(folder, 'data'),
    TOCSIN_LISTEN: '127.0.0.1:1',
  };
  return await cli(['doctor'], { cwd: folder, env: { ...standard, ...env } });
}

test('Slack is looked at through its own check, with what tocsin.yaml names', async () => {
  const slack = await startSlack();
  try {
    const { code, out } = await doctor(
      `
people: { alice: { accounts: { slack: T0ACME/U0ALICE } } }
groups: { leads: { slack: "@srr", members: [alice] } }
routes: [{ to: ["slack:#alerts"] }]
`,
      slack.env,
    );
    expect(code).toBe(1);
    expect(out).toMatch(/\nslack\n {2}ok/);
    expect(out).toMatch(/bad {6}.*srr/);
    expect(out).toMatch(/ok {7}this machine's clock/);
    expect(slack.count('chat.postMessage')).toBe(0);
  } finally {
    await slack.close();
  }
});

describe('Discord', () => {
  let discord: DiscordDouble;
  beforeEach(async () => {
    discord = await startDiscord();
  });
  afterEach(() => discord.close());

  const config = (channel: string, role: string, account: string) => `
people: { alice: { accounts: { discord: "${account}" } } }
groups: { leads: { discord: "${role}", members: [alice] } }
routes: [{ to: ["discord:${channel}"] }]
`;
  const known = () => {
    const [channel] = [...discord.world.channels.values()].filter(one => one.type === 0);
    const member = addMember(discord.world, 'alice');
    addRole(discord.world, 'leads', [member]);
    return { channel: channel?.name ?? '', role: 'leads', member: member.id };
  };

  test('is well: token, server, channel, role, people', async () => {
    const { channel, role, member } = known();
    const { code, out } = await doctor(config(channel, role, member), discord.env);
    expect(out).toContain('discord\n  ok       the bot token');
    expect(out).toContain(`ok       channel ${channel}\n  ok       role ${role}\n  ok       the account of alice`);
    expect(code).toBe(0);
    expect(discord.world.violations).toEqual([]);
  });

  test('a wrong token, an unknown channel, role and person are bad, with what to do', async () => {
    const { channel, role, member } = known();
    const wrong = await doctor(config(channel, role, member), { ...discord.env, DISCORD_TOKEN: 'wrong' });
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(/bad {6}the bot token\n.*\n.*Reset/);
    const { out } = await doctor(config(`${channel}x`, `${role}x`, '100000000000000001'), discord.env);
    expect(out).toContain(`bad      channel ${channel}x`);
    expect(out).toContain(`the nearest is ${role}`);
    expect(out).toContain('is not in the server');
  });
});
