import { defineSender } from '../webhook/sender.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { type Body, body, fields, read } from './read.ts';

export default defineSender<Options, Body>({
  id: 'servicenow',
  name: 'ServiceNow',
  about:
    'Incidents of ServiceNow, from a business rule to copy: an incident is an alert until it is resolved. With `tickets` Tocsin opens tickets for alerts of other sources, writes notes on them and resolves them; what people do to those is told in the thread of the alert.',
  options,
  body,
  fields,
  allowed: 'what the business rule posts, with sys_id and number',
  remedy: 'Copy the script of docs/servicenow.md; a source of the type webhook takes any other JSON.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'System Definition, Business Rules, New: table Incident, when after, insert, update and delete, Advanced, and the script of docs/servicenow.md.',
      'System properties: tocsin.url with {url}, and tocsin.token of the type password2 with {secret}',
    ],
    page: 'docs/servicenow.md',
  },
  examples,
  read,
  origin: openOrigin,
  tells: ['ticket', 'ticketNote', 'ticketDone'],
  toAsk: 'Set url, user, password and tickets, if alerts are to have tickets there.',
  check,
});
