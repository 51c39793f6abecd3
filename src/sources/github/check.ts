import { isCode, messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import type { Options } from './options.ts';
import { appRequest, send } from './request.ts';

/** For `tocsin doctor`: whether anybody may send, from where, and whether comments can be written. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  return [
    given.secret === undefined ? withoutSecret : { what: 'the secret of the webhook', state: 'ok' },
    ...(given.repositories === undefined ? [anyRepository] : []),
    ...(given.apiToken === undefined ? [] : [await checkToken(given, tools)]),
    ...(given.app === undefined ? [] : [await checkApp(given, tools)]),
  ];
}

/** Everybody may read /meta, but not with a wrong token. What the token may do shows only when it does it. */
async function checkToken(given: Options, tools: CheckTools): Promise<Finding> {
  const what = 'the token of GitHub';
  try {
    await send(given, tools, given.apiToken ?? '', 'GET', '/meta');
    return { what, state: 'ok' };
  } catch (error) {
    const isWrong = isCode(error, 'origin-down') && error.message.includes('401');
    const remedy = isWrong
      ? 'Set apiToken to one that is valid.'
      : 'See that the REST API answers at url from this machine.';
    return { what, state: 'bad', asks: true, because: messageOf(error), remedy };
  }
}

/** The app is asked for itself. Where it is installed and what it may do shows only when it does it. */
async function checkApp(given: Options, tools: CheckTools): Promise<Finding> {
  const what = 'the app at GitHub';
  try {
    await appRequest(given, tools)('GET', '/app');
    return { what, state: 'ok' };
  } catch (error) {
    const isWrong = isCode(error, 'origin-down') && error.message.includes('401');
    const remedy = isWrong
      ? 'Set app.id and app.key to those of one app, and see that the clock of this machine is right.'
      : 'See that the REST API answers at url from this machine.';
    return { what, state: 'bad', asks: true, because: messageOf(error), remedy };
  }
}

const withoutSecret: Finding = {
  what: 'the secret of the webhook',
  state: 'warning',
  because: 'without a secret anybody can send events, so that nothing starts by itself',
  remedy: 'Set secret, and the same secret at the webhook in GitHub.',
};

const anyRepository: Finding = {
  what: 'the repositories of GitHub',
  state: 'warning',
  because: 'without repositories whoever has the secret sends for any repository',
  remedy: 'Set repositories to those, or to the owners, that the webhook is for.',
};
