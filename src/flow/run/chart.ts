import { TocsinError } from '../../kernel/errors.ts';
import { redactText } from '../../kernel/redact/redact.ts';
import { system } from '../../model/actor.ts';
import type { StepChartAsk, StepChartSaid } from '../../ports/step.ts';
import type { Guard } from '../../ports/store.ts';
import type { Origin } from '../origin/origins.ts';
import { keepChart } from '../pictures/keep.ts';
import type { EngineParts } from './engine-parts.ts';

/** The step for which a picture is made. */
interface Place {
  run: string;
  step: string;
  guards: readonly Guard[];
}

/** Asks the metrics of a source, keeps the picture, and posts it with its text in the run's thread. */
export async function postChart(
  ask: StepChartAsk,
  { run, step, guards }: Place,
  parts: EngineParts,
): Promise<StepChartSaid> {
  const { connection } = sourceOf(ask.source, parts);
  const { query, title, range } = ask;
  const chart = await connection.chart?.({ query, title, range, at: parts.clock.now() });
  if (chart === undefined) throw noMetrics(ask.source, parts);
  const { picture, blob } = keepChart(chart, parts.catalogue.current().config.timezone);
  const text = redactText(picture.alt, parts.hidden());
  await parts.streams.run(
    run,
    system,
    () => ({
      facts: [{ kind: 'step.said', run, step, text, mention: [], tone: 'info', picture: { ...picture, alt: text } }],
      with: { blobs: [blob] },
    }),
    { guards: () => guards },
  );
  return { text, series: picture.rows, more: picture.more };
}

/** The source that is named, or the only one that has metrics. */
function sourceOf(name: string | null, parts: EngineParts): Origin {
  const able = withMetrics(parts);
  const found = name === null ? (able.length === 1 ? able[0] : undefined) : able.find(one => one.source === name);
  if (found === undefined) throw noMetrics(name, parts);
  return found;
}

function withMetrics({ origins }: EngineParts): Origin[] {
  return origins.all().filter(one => one.connection.chart !== undefined);
}

function noMetrics(name: string | null, parts: EngineParts): TocsinError {
  const able = withMetrics(parts).map(one => one.source);
  return new TocsinError('params-invalid', {
    message:
      name === null && able.length > 1
        ? 'Several sources have metrics, so the step must name one.'
        : `There is no source with metrics${name === null ? '' : ' of this name'}.`,
    allowed: able.length === 0 ? 'prometheus: in the options of an alertmanager source' : able,
    given: name ?? 'none',
    remedy: 'Name it under source: of the step.',
  });
}
