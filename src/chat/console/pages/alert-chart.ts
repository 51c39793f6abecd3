import { type Html, nothing } from '../../../kernel/html.ts';
import type { Alert } from '../../../model/alert.ts';
import type { Viewer } from '../viewer.ts';

/** The place for a picture of the series that fired, on the page of its alert; nothing while there is none. */
export async function renderChart(_alert: Alert, _viewer: Viewer): Promise<Html> {
  return nothing;
}
