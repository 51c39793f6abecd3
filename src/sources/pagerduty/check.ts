import { z } from 'zod';
import { isCode, messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { type Client, createClient } from './client.ts';
import { addressesOf, type Options } from './options.ts';
import { ownKeyPrefix } from './own.ts';

/** For `tocsin doctor`. It only reads, except for one event that resolves a page that does not exist, which PagerDuty accepts and drops. */
export async function checkKeys(given: Options, tools: CheckTools): Promise<Finding[]> {
  const client = createClient(given, { fetch: tools.fetch, signal: tools.signal });
  const pages = pagesOf(given);
  const key = given.apiToken === undefined ? [] : [await checkToken(client, pages)];
  const works = key.some(finding => finding.state === 'ok');
  return [
    ...checkSecret(given, pages),
    ...key,
    ...(works ? await checkAccount(given, client, tools, pages) : []),
    ...(given.routingKey === undefined ? [] : [await checkRoutingKey(client)]),
    ...(given.apiToken === undefined ? [withoutToken] : []),
  ];
}

type Pages = ReturnType<typeof pagesOf>;

function pagesOf(given: Options) {
  const { web } = addressesOf(given);
  return {
    keys: `${web}/api_keys`,
    webhooks: `${web}/integrations/webhooks`,
    users: `${web}/users`,
    services: `${web}/service-directory`,
  };
}

const withoutToken: Finding = {
  asks: true,
  what: 'the key of the REST API',
  state: 'warning',
  because: 'without apiToken incidents are neither acknowledged nor written to, and nobody knows who is on call',
  remedy: 'Set apiToken and from, if you want that.',
};

function checkSecret(given: Options, pages: Pages): Finding[] {
  if (given.secret !== undefined) return [{ what: 'the secret of the webhook', state: 'ok' }];
  return [
    {
      what: 'the secret of the webhook',
      state: 'warning',
      because: 'without a secret anybody can send incidents, so that nothing starts by itself',
      remedy: 'Set secret to the one that PagerDuty showed when the webhook subscription was made.',
      page: pages.webhooks,
    },
  ];
}

async function checkToken(client: Client, pages: Pages): Promise<Finding> {
  const found = await look('the key of the REST API', () => client.rest('GET', '/abilities'), {
    remedy: 'Set apiToken to a key that is not read-only.',
    page: pages.keys,
  });
  return found.state === 'ok' ? found : { ...found, asks: true };
}

async function checkAccount(given: Options, client: Client, tools: CheckTools, pages: Pages): Promise<Finding[]> {
  const wanted = [...new Set([...tools.groups, ...ownRota(given)])];
  return [
    await checkFrom(given, client, pages),
    ...(await checkSubscription(given, client, tools, pages)),
    ...(await Promise.all(
      wanted.map(path => checkThere(path.replace('/', ' ').replaceAll('_', ' '), `/${path}`, client, pages.services)),
    )),
    ...(await Promise.all(
      Object.entries(tools.accounts)
        .slice(0, 50)
        .map(([person, id]) =>
          checkThere(`the account of ${person}`, `/users/${encodeURIComponent(id)}`, client, pages.users),
        ),
    )),
  ];
}

function ownRota(given: Options): string[] {
  const { escalationPolicy, schedule } = given.onCall ?? {};
  return [
    ...(escalationPolicy === undefined ? [] : [`escalation_policies/${escalationPolicy}`]),
    ...(schedule === undefined ? [] : [`schedules/${schedule}`]),
  ];
}

function checkThere(what: string, path: string, client: Client, page: string): Promise<Finding> {
  return look(what, () => client.rest('GET', path), { remedy: 'Correct the id in tocsin.yaml.', page });
}

const users = z.object({ users: z.array(z.object({ email: z.string().nullish() })) });
const me = z.object({ user: z.object({ role: z.string().nullish() }) });

/** A user's API key identifies the user; an account's key needs the `From` header for every change. */
async function checkFrom(given: Options, client: Client, pages: Pages): Promise<Finding> {
  const what = 'in whose name it acts';
  const own = await client.rest('GET', '/users/me').then(
    answer => me.parse(answer).user,
    () => null,
  );
  if (own !== null) {
    const reads = own.role === 'read_only_user' || own.role === 'read_only_limited_user' || own.role === 'observer';
    if (!reads) return { what, state: 'ok' };
    return {
      what,
      state: 'bad',
      because: `the user of the key may only read (${own.role})`,
      remedy: 'Use the key of a responder.',
      page: pages.users,
    };
  }
  if (given.from === undefined)
    return {
      what,
      state: 'bad',
      because: 'the key is of an account, and from is not set',
      remedy: 'Set from to the e-mail address of a user of the account.',
      page: pages.users,
    };
  try {
    const found = users.parse(await client.rest('GET', `/users?query=${encodeURIComponent(given.from)}`)).users;
    if (found.some(user => user.email?.toLowerCase() === given.from?.toLowerCase())) return { what, state: 'ok' };
    return {
      what,
      state: 'bad',
      because: `no user of the account has the address ${given.from}`,
      remedy: 'Set from to one that a user has.',
      page: pages.users,
    };
  } catch (error) {
    return { what, state: 'bad', because: messageOf(error), page: pages.users };
  }
}

const subscriptions = z.object({
  webhook_subscriptions: z.array(
    z.object({
      active: z.boolean().nullish(),
      filter: z.object({ type: z.string(), id: z.string().nullish() }).nullish(),
      delivery_method: z.object({ url: z.string().nullish(), temporarily_disabled: z.boolean().nullish() }).nullish(),
    }),
  ),
});

async function checkSubscription(given: Options, client: Client, tools: CheckTools, pages: Pages): Promise<Finding[]> {
  const what = 'the webhook subscription';
  const path = `/events/${tools.name}`;
  const wanted = tools.url === null ? path : tools.url.replace(/\/$/, '') + path;
  try {
    const answer = subscriptions.parse(await client.rest('GET', '/webhook_subscriptions?limit=100'));
    const ours = answer.webhook_subscriptions.filter(one => one.delivery_method?.url?.endsWith(wanted));
    const sending = ours.filter(one => one.active === true && one.delivery_method?.temporarily_disabled !== true);
    if (sending.length > 0) return [{ what, state: 'ok' }, ...checkScope(given, sending)];
    const because =
      ours.length === 0 ? `none sends to ${wanted}` : 'it is switched off, or PagerDuty disabled it after failures';
    const remedy = 'Add a generic webhook (v3) with this address, or switch it on.';
    return [{ what, state: 'bad', because, remedy, page: pages.webhooks }];
  } catch (error) {
    // Some keys may not list subscriptions, so this does not mean that there is none.
    const because = `it cannot be looked up: ${messageOf(error)}`;
    return [{ what, state: 'warning', because, page: pages.webhooks }];
  }
}

/** Warns when webhooks come for a part of the account and the list of open incidents is not limited to it. */
function checkScope(given: Options, sending: z.infer<typeof subscriptions>['webhook_subscriptions']): Finding[] {
  const filters = sending.map(one => one.filter);
  if (given.services !== undefined || filters.some(one => one == null || one.type === 'account_reference')) return [];
  const ids = filters.map(one => (one?.type === 'service_reference' ? one.id : null)).filter(id => id != null);
  return [
    {
      what: 'the list of open incidents',
      state: 'warning',
      because: 'webhooks are sent for a part of the account, but every open incident that apiToken sees is listed',
      remedy: `Set services to the ids of the services that webhooks are sent for${ids.length === 0 ? '' : `: [${ids.join(', ')}]`}.`,
    },
  ];
}

async function checkRoutingKey(client: Client): Promise<Finding> {
  const probe = { event_action: 'resolve', dedup_key: `${ownKeyPrefix}doctor` };
  return await look('the integration key of Events API v2', () => client.enqueue(probe), {
    remedy:
      'Set routingKey to the integration key of an "Events API v2" integration of the service that is to be paged.',
  });
}

async function look(
  what: string,
  request: () => Promise<unknown>,
  help: Pick<Finding, 'remedy' | 'page'>,
): Promise<Finding> {
  try {
    await request();
    return { what, state: 'ok' };
  } catch (error) {
    const down = isCode(error, 'origin-down') && !error.message.includes('401');
    return {
      what,
      state: 'bad',
      because: messageOf(error),
      ...(down ? { remedy: 'See the network of this machine, and status.pagerduty.com.' } : help),
    };
  }
}
