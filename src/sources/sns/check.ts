import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { hostOf } from './envelope.ts';
import { type Options, warnings } from './options.ts';

/** For `tocsin doctor`: whether the certificates of SNS can be fetched from here, and what weakens the proof. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  const hosts = [...new Set(given.topics.flatMap(topic => hostOf(topic) ?? []))];
  const reached = await Promise.all(hosts.map(host => checkHost(host, tools)));
  const weak = warnings(given).map(
    ({ what }): Finding => ({
      what: 'the signature of SNS',
      state: 'warning',
      because: what,
      remedy: 'Set SignatureVersion of each topic to 2, and remove sha1.',
    }),
  );
  return [...reached, ...weak];
}

/** Any answer will do: it asks for nothing in particular. */
async function checkHost(host: string, { fetch, signal }: CheckTools): Promise<Finding> {
  const what = `the certificates at ${host}`;
  try {
    await (await fetch(`https://${host}/ping`, { redirect: 'manual', signal })).arrayBuffer();
    return { what, state: 'ok' };
  } catch (error) {
    return {
      what,
      state: 'bad',
      because: `it cannot be reached, so no signature can be checked: ${messageOf(error)}`,
      remedy: 'Let this machine reach it over https. Until then SNS is answered 503, and tries again for a while.',
    };
  }
}
