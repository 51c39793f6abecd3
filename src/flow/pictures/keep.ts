import { sha256 } from '../../kernel/canonical.ts';
import type { Chart } from '../../kernel/chart/chart.ts';
import { describeChart, factsOf } from '../../kernel/chart/describe.ts';
import type { Picture } from '../../model/picture.ts';

/** What is stored of a picture: what cards say of it, and its data as a blob. It is drawn where it is shown. */
export function keepChart(chart: Chart, zone: string): { picture: Picture; blob: { digest: string; bytes: string } } {
  const bytes = JSON.stringify(chart);
  const digest = sha256(bytes);
  const picture = { id: digest, alt: describeChart(chart, zone), rows: chart.lines.map(factsOf), more: chart.more };
  return { picture, blob: { digest, bytes } };
}
