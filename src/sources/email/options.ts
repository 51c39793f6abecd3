import { isIP } from 'node:net';
import { z } from 'zod';
import { secretList } from '../../kernel/signature.ts';
import { compilePattern, headerMap, labelMap, makeScope } from '../../model/expression/expression.ts';
import { celIn, wordMap } from '../webhook/cel.ts';
import { quietOption, quietText } from '../webhook/sender.ts';
import { severityNames, stateNames } from '../webhook/words.ts';
import type { Mail } from './mail.ts';

/** What the expressions of a rule can read. `found` are the named groups of its patterns. */
export interface Facts {
  mail: Mail;
  found: Record<string, string>;
}

const scope = makeScope<Facts>({
  name: 'email',
  variables: {
    subject: 'string',
    text: 'string',
    from: 'string',
    sender: 'string',
    headers: 'map<string, string>',
    found: 'map<string, string>',
  },
  bind: ({ mail, found }) => ({
    subject: mail.subject,
    text: mail.text,
    from: mail.from,
    sender: mail.sender,
    headers: headerMap(mail.headers),
    found: labelMap(found),
  }),
});

const cel = celIn(scope, 'subject, text, from, sender, headers and found (the named groups of the patterns)');

/** Instructions of the largest pattern: its groups cost so much for each character. */
const largestPattern = 500;

const pattern = (of: string) =>
  z
    .string()
    .min(1)
    .meta({
      description: `A pattern (RE2 syntax, linear time) that a part of ${of} matches; (?P<host>...) is found.host.`,
    })
    .transform((given, ctx) => {
      try {
        const made = compilePattern(given);
        if (made.size <= largestPattern) return made;
        ctx.addIssue({ code: 'custom', message: 'the pattern is too large when its repeats are written out' });
      } catch (error) {
        ctx.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a pattern' });
      }
      return z.NEVER;
    });

const texts = (description: string) => z.record(z.string().min(1), cel('text', description)).default({});

/** One of the words, or an expression that makes one. */
const wordOr = <const Names extends readonly [string, ...string[]]>(names: Names, description: string) => {
  const expression = cel('text', description);
  return z
    .string()
    .meta({ description: `${names.join(', ')}; or what makes one of them, or a word of the options. ${description}` })
    .transform((given, ctx) => {
      const word = names.find(name => name === given);
      if (word !== undefined) return word as Names[number];
      const parsed = expression.safeParse(given);
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues) ctx.addIssue({ ...issue } as never);
      return z.NEVER;
    });
};

const rule = z.strictObject({
  name: z.string().min(1).max(100).optional().meta({ description: 'What a notice and an error call it.' }),
  subject: pattern('the subject').optional(),
  text: pattern('the text').optional(),
  from: pattern('the address in the header From').optional(),
  where: cel('bool', 'A further condition.').optional(),
  state: wordOr(stateNames, 'What the mail tells.').prefault('firing'),
  fingerprint: cel('text', 'The identity of the condition, the same in the mail that tells its end.').optional(),
  title: cel('text', 'One line for people; the subject when it is left out.').optional(),
  severity: wordOr(severityNames, 'How bad it is.').prefault('warning'),
  labels: texts('The value of the label; the empty text leaves it out.'),
  links: texts('An address; one that is not http or https is left out.'),
});
export type Rule = z.infer<typeof rule>;

const address = z
  .string()
  .regex(
    /^(<>|\*|(\*|[^\s@<>*]+)@[^\s@<>*]+)$/,
    'write root@db-1.example.com, *@example.com, <> for no sender, or * for all',
  )
  .transform(text => text.toLowerCase());

const declared = z.strictObject({
  host: z
    .string()
    .refine(text => isIP(text) !== 0, 'is no address of an interface, such as 127.0.0.1')
    .default('127.0.0.1')
    .meta({
      description: 'The address to listen at. Another one than loopback needs tls and auth.',
    }),
  port: z.int().min(0).max(65_535).default(2525).meta({ description: 'The port to listen at; 25 needs a privilege.' }),
  from: z.array(address).min(1).max(100).meta({
    description:
      'The senders (of the envelope) that may send: addresses, *@domain, <> for mails without a sender, * for all.',
  }),
  to: z
    .array(address)
    .min(1)
    .max(100)
    .meta({ description: 'The recipients that are taken: addresses, *@domain, or * for all.' }),
  auth: z
    .strictObject({ user: z.string().min(1).max(100), password: secretList })
    .optional()
    .meta({
      description:
        'The user and password (AUTH PLAIN or LOGIN) that each sender has. Without it nothing that is sent leads to auto.',
    }),
  tls: z
    .strictObject({
      cert: z.string().min(1).meta({ description: 'The file of the certificate with its chain, PEM.' }),
      key: z.string().min(1).meta({ description: 'The file of its private key, PEM.' }),
      implicit: z
        .boolean()
        .default(false)
        .meta({ description: 'True for TLS from the first byte (port 465); else STARTTLS.' }),
    })
    .optional()
    .meta({ description: 'TLS. The files are read when the door opens; restart Tocsin after a renewal.' }),
  maxBytes: z
    .int()
    .min(1024)
    .max(10 * 1024 * 1024)
    .default(1024 * 1024)
    .meta({ description: 'The largest mail, bytes.' }),
  rules: z.array(rule).max(100).default([]).meta({
    description:
      'What a mail means: the first rule whose patterns match and whose condition holds. A mail without a rule is a notice.',
  }),
  states: wordMap(stateNames, "The senders' words for states, in any case: {DEGRADED: firing, REPAIRED: resolved}."),
  severities: wordMap(severityNames, "The senders' words for severities, in any case: {Degraded: critical}."),
  quiet: quietOption.optional().meta({ description: `For what tells no end: ${quietText}` }),
});

export const options = declared.superRefine((given, ctx) => {
  const problem = (path: (string | number)[], message: string) => ctx.addIssue({ code: 'custom', path, message });
  if (!isLoopback(given.host) && (given.tls === undefined || given.auth === undefined))
    problem(['host'], 'needs tls and auth: else everybody who reaches the port could send, and read what others send');
  for (const [index, one] of given.rules.entries()) {
    const keys = [one.subject, one.text, one.from, one.where].filter(part => part !== undefined);
    if (keys.length === 0 && index < given.rules.length - 1)
      problem(['rules', index], 'takes every mail, so that no rule after it is reached');
    if (one.state !== 'notice' && one.fingerprint === undefined)
      problem(['rules', index], 'needs a fingerprint, by which the end finds its beginning; or state: notice');
  }
});
export type Options = z.infer<typeof options>;

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

/** True when an address is one of the list. */
export function isListed(given: string, list: readonly string[]): boolean {
  const text = given.toLowerCase();
  if (text === '') return list.includes('<>');
  const domain = `*${text.slice(text.lastIndexOf('@'))}`;
  return list.some(one => one === '*' || one === text || (text.includes('@') && one === domain));
}
