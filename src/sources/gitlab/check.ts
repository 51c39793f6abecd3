import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import type { Options } from './options.ts';
import { requesterOf } from './origin.ts';

/** For `tocsin doctor`: whether anybody may send, from where, and whether comments can be written. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  const isProven = given.token !== undefined || given.signingToken !== undefined;
  return [
    isProven ? { what: 'the secret of the webhook', state: 'ok' } : withoutSecret,
    ...(given.projects === undefined ? [anyProject] : []),
    ...(given.apiToken === undefined ? [] : [await checkToken(given, tools)]),
  ];
}

/** Everybody with a token may read who it is. What else it may do shows only when it does it. */
async function checkToken(given: Options, tools: CheckTools): Promise<Finding> {
  const what = 'the token of GitLab';
  try {
    await requesterOf(given, tools)('GET', '/user');
    return { what, state: 'ok' };
  } catch (error) {
    const remedy =
      'See that GitLab answers at url from this machine, and that apiToken is valid and has the scope api.';
    return { what, state: 'bad', asks: true, because: messageOf(error), remedy };
  }
}

const withoutSecret: Finding = {
  what: 'the secret of the webhook',
  state: 'warning',
  because: 'without a secret anybody can send events, so that nothing starts by itself',
  remedy: 'Set signingToken or token, and the same at the webhook in GitLab.',
};

const anyProject: Finding = {
  what: 'the projects of GitLab',
  state: 'warning',
  because: 'without projects whoever has the secret sends for any project',
  remedy: 'Set projects to those, or to the groups, that the webhook is for.',
};
