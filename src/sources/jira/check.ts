import { z } from 'zod';
import { isCode, messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { type Request, requesterOf } from './api.ts';
import type { Options } from './options.ts';

const self = z.object({ accountId: z.string().nullish(), name: z.string().nullish() });
const allowed = z.object({ permissions: z.record(z.string(), z.object({ havePermission: z.boolean() })) });

/** What the account needs in each project. Source: developer.atlassian.com, Jira Cloud REST API, my permissions. */
const permissions = ['BROWSE_PROJECTS', 'CREATE_ISSUES', 'ADD_COMMENTS', 'TRANSITION_ISSUES'] as const;

/** For `tocsin doctor`: whether anybody may send, and whether tickets can be written. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  const secret: Finding =
    given.secret === undefined ? withoutSecret : { what: 'the secret of the webhook', state: 'ok' };
  return [secret, ...(given.tickets === undefined ? [] : await checkTickets(given, tools))];
}

const withoutSecret: Finding = {
  what: 'the secret of the webhook',
  state: 'warning',
  because: 'without a secret anybody can send issues, so that nothing starts by itself',
  remedy: 'Set secret, and the same secret at the webhook in Jira: Settings, System, WebHooks.',
};

async function checkTickets(given: Options, tools: CheckTools): Promise<Finding[]> {
  const request = requesterOf(given, tools);
  const what = 'the account of Jira';
  try {
    const me = self.parse(await request('GET', '/myself'));
    const id = me.accountId ?? me.name ?? '';
    const projects = [...new Set((given.tickets ?? []).map(({ project }) => project))];
    const found = await Promise.all(projects.map(project => checkProject(project, request)));
    return [given.account === id ? { what, state: 'ok' } : strange(what, id), ...found];
  } catch (error) {
    const remedy = 'See that Jira answers at url from this machine, and that user and apiToken are right.';
    return [{ what, state: 'bad', asks: true, because: messageOf(error), remedy }];
  }
}

function strange(what: string, id: string): Finding {
  return {
    what,
    state: 'warning',
    because:
      'account is not the one that Tocsin acts as, so what it does to its tickets is told in their threads again',
    remedy: `Set account to ${id}.`,
  };
}

async function checkProject(project: string, request: Request): Promise<Finding> {
  const what = `the project ${project}`;
  try {
    const query = new URLSearchParams({ projectKey: project, permissions: permissions.join(',') });
    const may = allowed.parse(await request('GET', `/mypermissions?${query}`)).permissions;
    const missing = permissions.filter(name => may[name]?.havePermission !== true);
    if (missing.length === 0) return { what, state: 'ok' };
    const remedy = 'Give its role in the project these permissions.';
    return { what, state: 'bad', asks: true, because: `the account lacks ${missing.join(', ')}`, remedy };
  } catch (error) {
    if (!isCode(error, 'origin-refused')) throw error;
    const remedy = 'See that it is the key of a project that the account may see.';
    return { what, state: 'bad', because: messageOf(error), remedy };
  }
}
