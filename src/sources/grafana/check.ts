import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { ask } from '../alertmanager/api.ts';
import { checkSilences } from '../alertmanager/check.ts';
import { apiOf } from './ask.ts';
import { isInsecure, type Options } from './options.ts';

/** For `tocsin doctor`: whether the secret protects from replay, and whether Grafana can be asked. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  const found = [...(isInsecure(given) ? [insecure] : []), ...(isReplayable(given) ? [replayable] : [])];
  if (given.url === undefined) return [...found, withoutUrl];
  const silences = given.silences === true ? [await checkSilences(apiOf(given), tools)] : [];
  return [...found, await checkApi(given, tools), ...silences];
}

function isReplayable({ secret, timestampHeader }: Options): boolean {
  return secret !== undefined && timestampHeader === undefined;
}

const replayable: Finding = {
  what: 'the signature of Grafana',
  state: 'warning',
  because: 'without timestampHeader no time is signed, so who saw a delivery can send it again later',
  remedy: 'Name the same timestamp header in the contact point and in timestampHeader.',
};

const withoutUrl: Finding = {
  asks: true,
  what: 'the API of Grafana',
  state: 'warning',
  because: 'without url nobody can ask whether an alert still fires, and a resolve that was lost is never made up for',
  remedy: 'Set url to where Grafana answers, and apiToken to the token of a service account with the role Viewer.',
};

const insecure: Finding = {
  what: 'the way to Grafana',
  state: 'warning',
  because: 'insecure is set: it is asked in plain http, so who is between can make alerts appear and disappear',
  remedy: 'Use https in url, and remove insecure.',
};

async function checkApi(given: Options, tools: CheckTools): Promise<Finding> {
  const what = 'the API of Grafana';
  const api = apiOf(given);
  try {
    const { at } = await ask('alerts?active=true&silenced=true&inhibited=true', api, tools);
    await api.doubt({ listed: [] }, at, tools);
    return { what, state: 'ok' };
  } catch (error) {
    return {
      what,
      state: 'bad',
      asks: true,
      because: `it cannot be asked at url: ${messageOf(error)}`,
      remedy:
        'See that Grafana answers there from this machine, and that apiToken is of a service account that may read alerts.',
      ...(given.url === undefined ? {} : { page: `${given.url.replace(/\/+$/, '')}/org/serviceaccounts` }),
    };
  }
}
