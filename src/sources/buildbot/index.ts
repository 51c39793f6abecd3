import { z } from 'zod';
import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { keyOf, keyPart, labelsOf, linkOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, newsTime, present, proofOptions, text, timingOptions } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { examples } from './examples.ts';

const options = z.strictObject({
  ...proofOptions,
  ...timingOptions,
  by: z.array(z.string().min(1).max(100)).max(8).default([]).meta({
    description:
      'Properties of the build that tell alerts of one builder apart, such as branch: else a build of one branch that is well ends what another one opened.',
  }),
});
type Options = z.infer<typeof options>;

/** What names the builder. */
interface Named {
  builder?: { name: string | null } | null | undefined;
  properties?: Record<string, unknown> | null | undefined;
}

/**
 * A build as HttpStatusPush posts it. A property is a pair of its value and where it is from. Source: deliveries of Buildbot 3.7, and
 * docs.buildbot.net, results.
 */
const body = z
  .looseObject({
    number: text,
    started_at: text,
    complete_at: text,
    complete: z.boolean().nullish().catch(null),
    state_string: text,
    results: z.number().nullish().catch(null),
    url: text,
    properties: z.record(z.string(), z.unknown()).nullish().catch(null),
    builder: z
      .looseObject({ name: text, tags: z.array(z.unknown()).nullish().catch(null) })
      .nullish()
      .catch(null),
    buildset: z.looseObject({ reason: text }).nullish().catch(null),
  })
  .refine(given => builderOf(given) !== null, { path: ['builder'] });
type Body = z.infer<typeof body>;

/** What a result means by its number; an alert is untouched by what has no state. Source: buildbot.process.results. */
const results: readonly { word: string; state: IncomingAlert['state'] | null }[] = [
  { word: 'success', state: 'resolved' },
  { word: 'warnings', state: 'resolved' },
  { word: 'failure', state: 'firing' },
  { word: 'skipped', state: null },
  { word: 'exception', state: 'firing' },
  { word: 'retry', state: null },
  { word: 'cancelled', state: null },
];

export default defineSender<Options, Body>({
  id: 'buildbot',
  name: 'Buildbot',
  about:
    'Builds of Buildbot, from its reporter HttpStatusPush. A builder whose build failed is an alert until a build of it is well.',
  options,
  body,
  json: { bytesPerKey: 16, cutsTexts: true },
  fields: ['number', 'started_at', 'complete_at', 'complete', 'results', 'properties', 'builder', 'name', 'buildset'],
  allowed: 'a build of HttpStatusPush, with builder.name',
  remedy: 'Give each generator a MessageFormatterFunction with wantProperties, as on the page of the documentation.',
  setup: {
    options: { basic: { user: '{name}', password: '{secret}' } },
    secret: 'ours',
    steps: [
      'Put the secret where the master reads it: {secret}',
      'In master.cfg add the reporter of the page below: reporters.HttpStatusPush("{url}", auth=("{name}", ...), ...)',
    ],
    page: 'docs/alert-services.md#buildbot',
  },
  examples,
  read: (given, delivery, chosen) => ({ events: [eventOf(given, delivery, chosen)], deliveryId: null }),
});

/** The value of a property; null when it has none, or is no text. */
function propertyOf({ properties }: Named, name: string): string | null {
  const pair = properties != null && Object.hasOwn(properties, name) ? properties[name] : null;
  return text.parse(Array.isArray(pair) ? pair[0] : pair);
}

function builderOf(given: Named): string | null {
  return given.builder?.name ?? propertyOf(given, 'buildername');
}

function eventOf(given: Body, delivery: Delivery, { by }: Options): IncomingEvent {
  // A build that began earlier and takes longer says less than one that began after it.
  const newsAt = newsTime(readTime(given.started_at), delivery.at);
  const at =
    newsTime(readTime(given.complete_at), delivery.at) ??
    (given.complete === true ? delivery.at : (newsAt ?? delivery.at));
  const builder = builderOf(given) ?? '';
  const parts = by.map(name => `${name}=${keyPart(propertyOf(given, name) ?? '')}`);
  const fingerprint = keyOf([keyPart(builder), ...parts].join('/'));
  const result = given.complete === false || given.results == null ? null : (results[given.results] ?? null);
  const what = given.state_string ?? result?.word ?? 'no state was told';
  const title = titleOf(`${builder}${given.number === null ? '' : ` #${given.number}`}: ${what}`);
  const labels = labelsFor(given, builder, result?.word);
  const links = linkOf('Build', given.url);
  if (result === null || result.state === null) {
    const type = given.complete === false ? 'started' : (result?.word ?? 'build');
    return { kind: 'notice', type, about: fingerprint, title, labels, links, occurredAt: at };
  }
  return {
    kind: 'alert',
    state: result.state,
    fingerprint,
    title,
    severity: 'error',
    labels,
    annotations: labelsOf(present({ reason: given.buildset?.reason })),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: result.state === 'resolved' ? at : null,
    occurredAt: at,
  };
}

function labelsFor(given: Body, builder: string, result: string | undefined) {
  const is = (name: string) => propertyOf(given, name);
  const tags = (given.builder?.tags ?? []).flatMap(one => text.parse(one) ?? []).join(',');
  return labelsOf(
    present({
      builder,
      worker: is('workername'),
      branch: is('branch'),
      revision: is('revision'),
      repository: is('repository'),
      project: is('project'),
      codebase: is('codebase'),
      scheduler: is('scheduler'),
      owner: is('owner'),
      result,
      tags,
    }),
  );
}
