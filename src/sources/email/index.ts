import { TocsinError } from '../../kernel/errors.ts';
import { defineSource, type OptionWarning } from '../../ports/source.ts';
import { examples } from './examples.ts';
import { type Options, options } from './options.ts';
import { openMailDoor } from './server.ts';

export default defineSource<Options>({
  id: 'email',
  about:
    'Mails of programs that can only mail (cron, mdadm, smartd, appliances), by an SMTP door of its own. Rules make them alerts; a mail without a rule is a notice. Who sends without a password is not proven.',
  options,
  examples,
  setup: {
    options: {
      from: ['root@db-1.example.com'],
      to: ['alerts@tocsin.example.com'],
      auth: { user: '{name}', password: '{secret}' },
    },
    secret: 'ours',
    steps: [
      'Set from to the senders, and to to the recipient that you choose; write rules: docs/email.md has some to copy.',
      'Let the mailer of this machine send to 127.0.0.1 port 2525 with the user {name} and the password {secret}.',
    ],
    page: 'docs/email.md',
  },
  delay: () => null,
  timing: ({ quiet }) => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY, endsAfter: quiet }),
  warnings,
  takesProven: ({ auth }) => auth !== undefined,
  verify: () => ({ ok: false, because: 'mails come by SMTP' }),
  normalise() {
    throw new TocsinError('bad-body', { message: 'Mails come by SMTP.' });
  },
  async start(given, tools) {
    const door = await openMailDoor(given, tools);
    return () => door.stop();
  },
});

function warnings({ auth, from, rules, quiet }: Options): OptionWarning[] {
  const fires = rules.some(({ state }) => state !== 'notice' && state !== 'resolved');
  const ends = quiet !== undefined || rules.some(({ state }) => state === 'resolved' || typeof state !== 'string');
  const found: [boolean, string, string, string][] = [
    [auth === undefined, 'auth', 'is left out, so everybody with an account on this machine may send', 'auth'],
    [from.includes('*'), 'from', 'lets every sender send', 'addresses, or *@domain'],
    [fires && !ends, 'quiet', 'is left out, and no rule tells an end: its alerts never end by themselves', 'quiet: 1d'],
  ];
  return found.flatMap(([holds, at, what, allowed]) => (holds ? [{ at: [at], what, allowed }] : []));
}
