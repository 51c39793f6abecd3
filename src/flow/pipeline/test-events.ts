import type { IncomingEvent } from '../../model/event.ts';
import { titleOf } from '../../model/incoming.ts';
import type { Normalised } from '../../ports/source.ts';

/** On every event of a test, so that routes and people see it. */
export const testLabel = { tocsin_test: 'true' };

/**
 * Pure: the events of a test. Each is a notice of its own: it opens, changes and resolves no alert, so nothing is written back to the
 * origin, nothing is looked up there, and nobody is paged. Intake marks them besides, so that no trigger takes them. Ids of the sender are
 * left out: a test must not count as the delivery that it looks like, and may be pressed twice.
 */
export function asTest({ events }: Normalised): Normalised {
  return { events: events.map(testNotice), deliveryId: null };
}

function testNotice(event: IncomingEvent): IncomingEvent {
  const { title, labels, links, occurredAt } = event;
  return {
    kind: 'notice',
    type: 'test',
    title: titleOf(`Test: ${title}`),
    labels: { ...labels, ...wouldBe(event), ...testLabel },
    links,
    occurredAt,
  };
}

/** What the event would have been, as labels: they are what a notice shows. */
function wouldBe(event: IncomingEvent): Record<string, string> {
  if (event.kind !== 'alert') return { tocsin_test_of: event.kind };
  const { state, severity, fingerprint } = event;
  return { tocsin_test_of: `alert, ${state}, ${severity}`, tocsin_test_fingerprint: fingerprint };
}
