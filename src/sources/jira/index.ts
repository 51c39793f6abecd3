import { TocsinError } from '../../kernel/errors.ts';
import { defineSource } from '../../ports/source.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { prove, verify, verifyHeaders } from './proof.ts';
import { body, fields, read } from './read.ts';

export default defineSource<Options>({
  id: 'jira',
  about:
    'Issues of Jira, from its webhooks: an issue is an alert until it is done. With `tickets` Tocsin opens tickets for alerts of other sources, comments on them and ends them; what people do to those is told in the thread of the alert.',
  options,
  fields,
  // An issue has all its fields, those that people made too.
  json: { bytesPerKey: 16, cutsTexts: true },
  delay: () => null,
  setup: {
    options: { secret: '{secret}' },
    secret: 'ours',
    steps: [
      'Settings, System, WebHooks, Create a WebHook: URL {url}, secret {secret}',
      'A JQL filter for the issues that it is for, and the events Issue: created, updated, deleted. Leave the comment events off: an update tells comments too.',
    ],
    page: 'docs/jira.md',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  normalise(given, delivery, own) {
    const parsed = body.safeParse(given);
    if (parsed.success) return read(parsed.data, delivery, own);
    throw new TocsinError('bad-body', {
      message: 'The body is not what a webhook of Jira sends.',
      at: parsed.error.issues[0]?.path.join('.') || 'the document',
      allowed: 'its webhook, with webhookEvent, and issue with id and key',
      remedy:
        'Take a webhook of the settings of Jira, without Exclude body; a rule of Jira automation sends another body.',
    });
  },
  // News is ordered, so that no firing is a stale repeat; and nothing is repeated, so that silence says nothing.
  timing: () => ({ reopenAfter: 0, repeatInterval: Number.POSITIVE_INFINITY }),
  origin: openOrigin,
  tells: ['ticket', 'ticketNote', 'ticketDone'],
  toAsk: 'Set url, user, apiToken and tickets, if alerts are to have tickets there.',
  check,
});
