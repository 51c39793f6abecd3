import { z } from 'zod';
import type { Zabbix } from '../../real/zabbix.ts';

/** What docs/zabbix.md says is to be done in Zabbix, by its API. */
export interface Prepared {
  /** The visible name of the hosts. */
  name: string;
  /** API tokens of the user of the media and of another one, whose role has nothing more than the page says. */
  tokens: { own: string; other: string };
  /** The subjects of the messages about a problem that Zabbix sent, oldest first. */
  sent(id: string): Promise<string[]>;
  /** Lets the user of the media share a group with the administrator. */
  meet(): Promise<void>;
  /** Sets the global macros. */
  tell(url: string, token: string): Promise<void>;
  /** A host of this name with a trapper item, and a trigger of the class High that fires above 90. */
  watch(host: string, tags: Record<string, string>): Promise<{ host: string; item: string }>;
  /** The event of a problem: when it began and ended, seconds since the epoch, and what was done to it, oldest first. */
  event(id: string): Promise<{ clock: number; end: number | null; isAcknowledged: boolean; messages: string[] }>;
  /** event.acknowledge, by the administrator. */
  act(id: string, what: { action: number; message?: string; severity?: number }): Promise<void>;
}

const ids = z.record(z.string(), z.array(z.coerce.string())).transform(all => Object.values(all)[0]?.[0] ?? '');
const nothing = z.unknown();

export async function prepare({ call }: Zabbix, mediaType: string): Promise<Prepared> {
  const name = 'web "1"';
  const rules = { mediaTypes: { createMissing: true, updateExisting: true } };
  const [one, twice] = ['imported', 'again'].map(() => ({ format: 'yaml', source: mediaType, rules }));
  await call('configuration.import', one ?? {}, z.literal(true));
  await call('configuration.import', twice ?? {}, z.literal(true));
  const media = z.tuple([z.object({ mediatypeid: z.string(), status: z.literal('0') })]);
  const [{ mediatypeid }] = await call('mediatype.get', { filter: { name: 'Tocsin' } }, media);
  const groupid = await call('hostgroup.create', { name: 'watched' }, ids);
  const { userid, usrgrpid, roleid } = await makeUser(call, { groupid, mediatypeid });
  const message = {
    operationtype: 0,
    opmessage: { default_msg: 1, mediatypeid },
    opmessage_usr: [{ userid }],
  };
  const operations = { operations: [message], recovery_operations: [message], update_operations: [message] };
  await call('action.create', { name: 'Tocsin', eventsource: 0, esc_period: '1h', ...operations }, ids);
  const other = { username: 'tocsin-writes', passwd: 'uW3-eight-and-more', roleid, usrgrps: [{ usrgrpid }] };
  const tokenOf = async (owner: string) => {
    const tokenid = await call('token.create', { name: 'tocsin', userid: owner }, ids);
    const [{ token }] = await call('token.generate', [tokenid], z.tuple([z.object({ token: z.string() })]));
    return token;
  };
  const tokens = { own: await tokenOf(userid), other: await tokenOf(await call('user.create', other, ids)) };

  return {
    name,
    tokens,
    async sent(id) {
      const [{ r_eventid: end }] = await call('event.get', { eventids: [id], output: ['r_eventid'] }, ends);
      const query = { eventids: [id, end], output: ['subject'], sortfield: 'alertid' };
      const all = await call('alert.get', query, z.array(z.object({ subject: z.string() })));
      return all.map(({ subject }) => subject.replace(/:.*$/s, ''));
    },
    async meet() {
      const admins = await call('usergroup.get', { filter: { name: 'Zabbix administrators' } }, groups);
      const usrgrps = [{ usrgrpid }, ...admins.map(group => ({ usrgrpid: group.usrgrpid }))];
      await call('user.update', { userid, usrgrps }, ids);
    },
    async tell(url, secret) {
      await call('usermacro.createglobal', { macro: '{$TOCSIN.URL}', value: url }, ids);
      await call('usermacro.createglobal', { macro: '{$TOCSIN.TOKEN}', value: secret, type: 1 }, ids);
    },
    async watch(host, tags) {
      const hostid = await call('host.create', { host, name: `${name} ${host}`, groups: [{ groupid }] }, ids);
      const item = { name: 'used', key_: 'disk.used', hostid, type: 2, value_type: 3 };
      await call('item.create', item, ids);
      const trigger = {
        description: 'disk is "full": {ITEM.VALUE} \\ <b> größe $(id) {x}',
        expression: `last(/${host}/disk.used)>90`,
        priority: 4,
        opdata: 'used {ITEM.LASTVALUE}',
        comments: 'what to "do"\nin two lines',
        manual_close: 1,
        tags: Object.entries({ service: 'a "b"', ...tags }).map(([tag, value]) => ({ tag, value })),
      };
      await call('trigger.create', [trigger], ids);
      return { host, item: 'disk.used' };
    },
    async event(id) {
      const query = {
        eventids: [id],
        output: ['clock', 'r_eventid', 'acknowledged'],
        select_acknowledges: ['message', 'clock'],
      };
      const [{ clock, r_eventid, acknowledged, acknowledges }] = await call('event.get', query, events);
      const ends =
        r_eventid === '0' ? null : await call('event.get', { eventids: [r_eventid], output: ['clock'] }, times);
      return {
        clock,
        end: ends?.[0].clock ?? null,
        isAcknowledged: acknowledged === '1',
        messages: acknowledges.map(({ message: text }) => text).reverse(),
      };
    },
    act: async (id, what) => void (await call('event.acknowledge', { eventids: [id], ...what }, nothing)),
  };
}

const groups = z.array(z.object({ usrgrpid: z.string() })).length(1);
const ends = z.tuple([z.object({ r_eventid: z.string() })]);
const times = z.tuple([z.object({ clock: z.coerce.number() })]);
const events = z.tuple([
  z.object({
    clock: z.coerce.number(),
    r_eventid: z.string(),
    acknowledged: z.string(),
    acknowledges: z.array(z.object({ message: z.string() })),
  }),
]);

async function makeUser(call: Zabbix['call'], { groupid, mediatypeid }: { groupid: string; mediatypeid: string }) {
  const roleid = await call(
    'role.create',
    {
      name: 'Tocsin',
      type: 1,
      rules: {
        'api.access': 1,
        'api.mode': 1,
        api: ['event.get', 'event.acknowledge'],
        'actions.default_access': 0,
        actions: ['acknowledge_problems', 'add_problem_comments', 'close_problems'].map(name => ({ name, status: 1 })),
      },
    },
    ids,
  );
  // Read-write, which closing needs.
  const usrgrpid = await call('usergroup.create', { name: 'tocsin', rights: [{ id: groupid, permission: 3 }] }, ids);
  const media = { mediatypeid, sendto: 'tocsin', active: 0, severity: 63, period: '1-7,00:00-24:00' };
  const user = {
    username: 'tocsin',
    passwd: 'uW3-eight-and-more',
    roleid,
    usrgrps: [{ usrgrpid }],
    medias: [media],
    timezone: 'America/St_Johns',
  };
  return { userid: await call('user.create', user, ids), usrgrpid, roleid };
}
