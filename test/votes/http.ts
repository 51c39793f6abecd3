import { cli } from '../cli/terminal.ts';
import { tokens } from '../doubles/app.ts';
import { formOf, openSession, plainText, type Session } from '../journey/console-page.ts';
import { alter, openVotes, type VotePlace, type Way, type Who } from './place.ts';

type Ways = Record<'api' | 'cli' | 'console-button' | 'console-command', Way>;

/** A service in place of a guest; somebody without any token in place of a foreigner. */
const tokenOf: Record<Who, keyof typeof tokens | null> = {
  alice: 'ALICE',
  bob: 'BOB',
  rita: 'RITA',
  guest: 'CI',
  foreign: null,
};

/** The API, the command line and the console. */
export async function openHttpVotes(): Promise<{ place: VotePlace; ways: Ways; close(): Promise<void> }> {
  const place = await openVotes('console:alerts', {});
  const { url } = place.app.app;
  const sessions = new Map<Who, Session>();
  for (const [who, token] of Object.entries(tokenOf) as [Who, keyof typeof tokens | null][])
    sessions.set(who, token === null ? { at: url, cookie: '', csrf: '' } : await openSession(url, tokens[token] ?? ''));
  const sessionOf = (who: Who) => sessions.get(who) ?? { at: url, cookie: '', csrf: '' };

  async function post(who: Who, path: string, form: Record<string, string>): Promise<string> {
    const { cookie, csrf } = sessionOf(who);
    const body = new URLSearchParams({ ...form, csrf });
    const answer = await fetch(url + path, {
      method: 'POST',
      body,
      headers: { cookie, origin: url, 'hx-request': 'true' },
    });
    return plainText(await answer.text()).trim();
  }

  const ways: Ways = {
    api: {
      async prepare({ id }) {
        return {
          async vote(who) {
            const body = { vote: 'approve' };
            const answer = await place.app.call('POST', `/api/v1/approvals/${id}/votes`, { as: tokenOf[who], body });
            return answer.status === 200 ? 'It counts.' : answer.body.error.message;
          },
        };
      },
    },
    cli: {
      async prepare({ id, planHash }) {
        return {
          async vote(who, altered) {
            const token = tokenOf[who];
            const env = { TOCSIN_URL: url, TOCSIN_TOKEN: token === null ? '' : (tokens[token] ?? '') };
            const asked = altered !== undefined && 'approval' in altered ? altered.approval : id;
            const plan = altered !== undefined && 'seal' in altered ? alterPlan(planHash) : planHash;
            return (await cli(['approve', asked, '--yes', '--plan', plan], { env })).err;
          },
        };
      },
    },
    'console-button': {
      async prepare({ id }) {
        const seenBy = async (who: 'alice' | 'bob') => {
          const { cookie } = sessionOf(who);
          return await (
            await fetch(`${url}/console/details?subject=approval&id=${id}`, { headers: { cookie } })
          ).text();
        };
        // Who asked is shown no button; a form that was copied from somebody else's page is no way round it.
        const own = await seenBy('alice');
        const form = Object.fromEntries(
          formOf(own.includes('>Approve</button>') ? own : await seenBy('bob'), 'Approve'),
        );
        return {
          vote: (who, altered) =>
            post(
              who,
              '/console/act',
              altered === undefined ? form : { ...form, act: alter(form['act'] ?? '', altered) },
            ),
        };
      },
    },
    'console-command': {
      async prepare({ id }) {
        return { vote: who => post(who, '/console/command', { channel: 'alerts', line: `approve ${id}` }) };
      },
    },
  };
  return { place, ways, close: place.app.stop };
}

/** The hash of no plan. */
function alterPlan(hash: string): string {
  return hash.replace(/^./, first => (first === '0' ? '1' : '0'));
}
