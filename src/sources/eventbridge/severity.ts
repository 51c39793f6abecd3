import { z } from 'zod';
import { type Labels, type Severity, severity } from '../../model/event.ts';
import { severityOf } from '../../model/incoming.ts';

/** The options about alarms of CloudWatch, for every source that takes them. */
export const alarmOptions = {
  severity: severity.default('warning').meta({
    description: 'The severity of an alarm that nothing else tells one of. CloudWatch itself knows none.',
  }),
  alarms: z.record(z.string().min(1).max(255), severity).default({}).meta({
    description:
      'Severities by the name of the alarm, in which `*` stands for anything: `"prod-*": critical`. The first that fits counts, before severityLabel.',
  }),
  severityLabel: z.string().default('severity').meta({
    description:
      'The label that holds the severity: from a tag of the alarm that is sent with it, or from a description that is a JSON object.',
  }),
  insufficientData: z.enum(['notice', 'firing', 'resolved']).default('notice').meta({
    description:
      'What INSUFFICIENT_DATA is: a notice in the thread of the alarm, a firing, or a resolve that is no cure.',
  }),
};
export interface AlarmOptions {
  severity: Severity;
  alarms: Readonly<Record<string, Severity>>;
  severityLabel: string;
  insufficientData: 'notice' | 'firing' | 'resolved';
}

export function severityOfAlarm(name: string, labels: Labels, given: AlarmOptions): Severity {
  const named = Object.entries(given.alarms).find(([pattern]) => fits(name, pattern))?.[1];
  return named ?? severityOf(labels[given.severityLabel]) ?? given.severity;
}

/** Whether a text fits a pattern in which `*` stands for anything. Looks for one piece after the other, so it never goes back. */
export function fits(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
