import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { name } from '../config.ts';
import { labels, severity } from '../event.ts';

const pattern = z.string().min(1).max(512);
const patterns = z.array(pattern).max(1000);
const some = (what: string) => patterns.min(1).meta({ description: `${what}; * stands for any characters.` });
const any = (what: string) => patterns.default([]).meta({ description: `${what}; anything when left out.` });
const importable = z.array(pattern).max(200);
/** The longest permit that anybody may import, milliseconds. */
const longestImport = 90 * 86_400_000;
const time = z.iso.datetime({ offset: true }).transform(text => Date.parse(text));

const watch = z.strictObject({
  sources: any('The sources, by their names in tocsin.yaml'),
  actions: any("The sender's verbs"),
  resources: any('The ids of resources'),
  environments: any('The environments'),
});

const known = z.strictObject({
  reason: z.string().min(1).max(500).meta({ description: 'Why nobody needs to approve it, for people.' }),
  principals: some('Who does it'),
  sources: any('The sources that may tell of it'),
  actions: any("The sender's verbs"),
  resources: any('The ids of resources'),
  accounts: any('The accounts or clusters'),
  from: time.optional().meta({ description: 'From when on it holds; at once when left out.' }),
  until: time.optional().meta({ description: 'Until when it holds; without an end when left out.' }),
});

const importer = z
  .strictObject({
    service: name.optional().meta({ description: 'The service whose token may import permits.' }),
    person: name.optional().meta({ description: 'The person whose token may import permits.' }),
    source: name.optional().meta({ description: 'The source of tocsin.yaml that may bring permits.' }),
    principals: importable.min(1).meta({ description: 'Whom it may permit something; * stands for any characters.' }),
    resources: importable.min(1).meta({ description: 'On what; * stands for any characters.' }),
    actions: importable.default([]).meta({ description: 'What may be done; anything when left out.' }),
    accounts: importable
      .default([])
      .meta({ description: 'In which accounts or clusters; any, also none, when left out.' }),
    most: duration
      .refine(given => given >= 60_000 && given <= longestImport, {
        error: 'this is too short or too long for a permit',
        params: { allowed: 'from 1m to 90d' },
      })
      .meta({ description: 'The longest time that one permit may cover: 1m to 90d.' }),
  })
  .refine(one => [one.service, one.person, one.source].filter(given => given !== undefined).length === 1, {
    error: 'say who may import permits',
    params: { allowed: 'one of service, person and source' },
  });
export type Importer = z.infer<typeof importer>;

/** The keys of changes.yaml that say what is held against permits, and what permits are taken. Without the file nothing is held. */
export const ledgerKeys = {
  matchAfter: duration.prefault('15m').meta({
    description: 'How long after a change it is judged: news of it and permits may come late.',
  }),
  sources: z
    .record(name, z.strictObject({ matchAfter: duration }))
    .default({})
    .meta({ description: 'Another time for a source, by its name in tocsin.yaml.' }),
  skew: duration.prefault('2m').meta({ description: 'How far the clocks of senders and of Tocsin may differ.' }),
  watch: z
    .array(watch)
    .min(1)
    .prefault([{}])
    .meta({ description: 'Which changes are held against permits: those that fit one entry; all when left out.' }),
  known: z.array(known).default([]).meta({ description: 'Automation that needs no permit.' }),
  importers: z.array(importer).max(100).default([]).meta({ description: 'Who may import permits, and for what.' }),
  runPrincipal: z
    .union([pattern.transform(one => [one]), z.array(pattern).max(100)])
    .default([])
    .meta({ description: 'The principals as which runs act: ARNs of roles, users of clusters. Exact, without *.' }),
  permitHeader: z
    .array(pattern)
    .default(['*'])
    .meta({ description: 'The hosts to which http steps send the header Tocsin-Permit; all when left out.' }),
  failed: z
    .enum(['leave out', 'include'])
    .default('leave out')
    .meta({ description: 'What becomes of changes that the sender refused or that failed.' }),
  severity: severity.default('error').meta({ description: 'How severe an unpermitted change is.' }),
  labels: labels
    .default({})
    .meta({ description: 'Labels of the alerts of unpermitted changes, for routes and runbooks.' }),
};

const ledgerFile = z.object(ledgerKeys);
/** The same, parsed: times in milliseconds. */
export type LedgerFile = z.infer<typeof ledgerFile>;
