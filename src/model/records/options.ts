import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { messageOf } from '../../kernel/errors.ts';
import { compilePattern, type ExpressionError } from '../expression/expression.ts';
import { formats } from './formats/formats.ts';
import { compileRule } from './rule.ts';
import { type RuleOptions, ruleOptions } from './rule-options.ts';
import { type SigmaOptions, sigmaOptions } from './sigma/options.ts';
import type { RecordFormat } from './types.ts';

const formatNames = Object.keys(formats) as [string, ...string[]];

/** The options that every source of raw records has. Spread into its own object, and closed with `checkRecords`. */
export const recordsOptions = {
  format: z.enum(formatNames).meta({ description: 'How the bytes become records.' }),
  time: z
    .string()
    .regex(/^[^.]+(\.[^.]+){0,7}$/, 'a name, or names with dots between them')
    .optional()
    .meta({
      description:
        'The member with the time of a record, for formats without one of their own. The arrival when left out.',
      examples: ['timestamp'],
    }),
  pattern: z
    .string()
    .max(1000)
    .optional()
    .meta({
      description:
        'For `format: pattern`: what a line looks like, in RE2 syntax; each named group is a member of the record.',
      examples: ['^(?P<ip>\\S+) \\S+ (?P<user>\\S+) '],
    }),
  late: duration
    .refine(ms => ms <= 7 * 86_400_000, 'at most 7d')
    .prefault('1h')
    .meta({ description: 'How late a record may arrive and still count in windows, by its own time. At most 7d.' }),
  detect: z
    .array(ruleOptions)
    .max(100)
    .default([])
    .meta({ description: 'The rules that look for something in the records.' }),
  sigma: sigmaOptions.optional().meta({ description: 'Rules in the files of Sigma, besides those of `detect`.' }),
};

export interface RecordsOptions {
  format: string;
  time?: string | undefined;
  pattern?: string | undefined;
  /** Milliseconds. */
  late: number;
  detect: readonly RuleOptions[];
  sigma?: SigmaOptions | undefined;
}

/**
 * For `superRefine` of the object that has `recordsOptions`: finds what is wrong with the expressions and the pattern. `own` is the format of
 * a source that has but one.
 */
export function checkRecords(given: RecordsOptions, ctx: z.RefinementCtx, own?: RecordFormat): void {
  const format = own ?? formats[given.format];
  if (format === undefined) return;
  if (own === undefined) checkPattern(given, ctx);
  if (given.sigma !== undefined) checkLogsources(given.sigma, format, ctx);
  const names = new Set<string>();
  for (const [index, rule] of given.detect.entries()) {
    if (names.has(rule.name))
      ctx.addIssue({ code: 'custom', path: ['detect', index, 'name'], message: 'a second rule of this name' });
    names.add(rule.name);
    compileRule(rule, format, (path, error) =>
      ctx.addIssue({ code: 'custom', path: ['detect', index, ...path], message: explain(error) }),
    );
  }
}

/** The conditions of `sigma.logsources`. The rules are read with the other files. */
function checkLogsources(given: SigmaOptions, format: RecordFormat, ctx: z.RefinementCtx): void {
  for (const [index, { where }] of given.logsources.entries())
    compileRule(ruleOptions.parse({ name: 'where', where }), format, (_path, error) =>
      ctx.addIssue({ code: 'custom', path: ['sigma', 'logsources', index, 'where'], message: explain(error) }),
    );
}

function checkPattern({ format, pattern }: RecordsOptions, ctx: z.RefinementCtx): void {
  const issue = (message: string) => ctx.addIssue({ code: 'custom', path: ['pattern'], message });
  if (format !== 'pattern') {
    if (pattern !== undefined) issue('only `format: pattern` has a pattern');
  } else if (pattern === undefined) issue('`format: pattern` needs a pattern');
  else {
    try {
      compilePattern(pattern);
    } catch (error) {
      issue(messageOf(error));
    }
  }
}

function explain(error: ExpressionError): string {
  const nearest = error.nearest === null ? '' : `; did you mean ${error.nearest}?`;
  return `${error.message}${nearest}`;
}
