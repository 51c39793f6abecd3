import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { ask, type Requests } from './api.ts';
import { apiOf, apiStatus } from './ask.ts';
import { isInsecure, type Options } from './options.ts';

/** For `tocsin doctor`: whether Alertmanager can be asked, which release it is, and whether the way to it is safe. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  if (given.url === undefined) return [withoutUrl];
  return [
    ...(isInsecure(given) ? [insecure] : []),
    await checkApi(given, tools),
    ...(given.silences === true ? [await checkSilences(apiOf(given), tools)] : []),
  ];
}

/** Whether silences can be read; that they may be made shows only when one is. */
export async function checkSilences(api: Requests, tools: CheckTools): Promise<Finding> {
  const what = `the silences of ${api.name}`;
  try {
    // No alert has this name, so that the answer is short.
    await ask(`silences?filter=${encodeURIComponent('alertname="tocsin doctor"')}`, api, tools);
    return { what, state: 'ok' };
  } catch (error) {
    return {
      what,
      state: 'bad',
      because: `they cannot be read at url: ${messageOf(error)}`,
      remedy: 'Allow reading and writing of silences there, or remove silences.',
    };
  }
}

const withoutUrl: Finding = {
  asks: true,
  what: 'the API of Alertmanager',
  state: 'warning',
  because: 'without url nobody can ask whether an alert still fires, and a resolve that was lost is never made up for',
  remedy: 'Set url to where Alertmanager answers.',
};

const insecure: Finding = {
  what: 'the way to Alertmanager',
  state: 'warning',
  because: 'insecure is set: it is asked in plain http, so who is between can make alerts appear and disappear',
  remedy: 'Use https in url, and remove insecure.',
};

async function checkApi(given: Options, tools: CheckTools): Promise<Finding> {
  try {
    const api = apiOf(given);
    const { body, at } = await ask('status', api, tools);
    const version = apiStatus.parse(body).versionInfo?.version;
    const what = `the API of Alertmanager${version === undefined ? '' : ` ${version}`}`;
    const doubt = await api.doubt({ listed: [] }, at, tools);
    if (doubt === null) return { what, state: 'ok' };
    return {
      what,
      state: 'warning',
      asks: true,
      because: `its list proves nothing yet: ${doubt}`,
      remedy: 'Look again later.',
    };
  } catch (error) {
    return {
      what: 'the API of Alertmanager',
      state: 'bad',
      asks: true,
      because: `it cannot be asked at url: ${messageOf(error)}`,
      remedy: 'See that Alertmanager answers there from this machine, and that headers have what it asks for.',
    };
  }
}
