import { isMap, plainText } from '../../model/incoming.ts';
import type { Hook } from './hook.ts';
import { isMark, sealIn } from './seal.ts';

/** The comment with the mark by which a retry finds it, and by which Tocsin knows it when it comes back as a webhook. It is not shown. */
export function signed(text: string, marker: string): string {
  return `${text}\n<!-- tocsin ${marker} -->`;
}

export function carries(body: string, marker: string): boolean {
  return body.includes(`<!-- tocsin ${marker} -->`);
}

/** The kind of what Tocsin itself wrote, when it comes back; null for what others did. */
export function echoOf(hook: Hook): string | null {
  switch (hook.name) {
    case 'commit_comment':
      return isOwnComment(hook) ? 'note' : null;
    case 'status':
      return isOwnStatus(hook) ? 'status' : null;
    case 'check_run':
      return isOwnCheck(hook) ? 'check' : null;
    case 'check_suite':
      return isOwnSuite(hook) ? 'check' : null;
    case 'deployment_status':
      return isOwnDeployment(hook) ? 'deployment' : null;
    default:
      return null;
  }
}

function isOwnComment({ body }: Hook): boolean {
  const comment = body['comment'];
  if (!isMap(comment)) return false;
  return /<!-- tocsin [a-z0-9_/-]+ -->\s*$/.test(plainText(comment['body']) ?? '');
}

function isOwnStatus({ body, repository, given }: Hook): boolean {
  const [sha, context, state, url] = textsOf(body, ['sha', 'context', 'state', 'target_url']);
  return isMark(given, ['status', repository?.name ?? '', sha, context, state], sealIn(url));
}

/** Not when somebody asks for it again, or presses a button of it. */
function isOwnCheck({ body, action, repository, given }: Hook): boolean {
  if (action !== 'created' && action !== 'completed') return false;
  const [sha, external] = textsOf(body['check_run'], ['head_sha', 'external_id']);
  const [, run = '', mark = ''] = /^tocsin ([A-Za-z0-9_]+) ([0-9a-f]{64})$/.exec(external) ?? [];
  return isMark(given, ['check', repository?.name ?? '', sha, run], mark);
}

/** The suite of our app holds what we wrote, and nothing else: its failure is the run's. Enterprise Server names no client id of the app. */
function isOwnSuite({ body, given }: Hook): boolean {
  const suite = body['check_suite'];
  if (given.app === undefined || !isMap(suite)) return false;
  return given.app.id === textsOf(suite['app'], ['id'])[0];
}

function isOwnDeployment({ body, repository, given }: Hook): boolean {
  const [deployment] = textsOf(body['deployment'], ['id']);
  const [state, log, target] = textsOf(body['deployment_status'], ['state', 'log_url', 'target_url']);
  return isMark(given, ['deployment', repository?.name ?? '', deployment, state], sealIn(log || target));
}

function textsOf<const Names extends readonly string[]>(
  given: unknown,
  names: Names,
): { [Index in keyof Names]: string } {
  const texts = names.map(name => (isMap(given) ? (plainText(given[name]) ?? '') : ''));
  return texts as { [Index in keyof Names]: string };
}
