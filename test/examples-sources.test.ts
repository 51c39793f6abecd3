import { describe, expect, test } from 'vitest';
import { isCode, TocsinError } from '../src/kernel/errors.ts';
import { hasMembers, loadShelf } from '../src/kernel/shelf.ts';
import { incomingEvent } from '../src/model/event.ts';
import { type Normalised, parseDelivery, type Source, type SourceExample } from '../src/ports/source.ts';

const folder = new URL('../src/sources', import.meta.url).pathname;
const check = hasMembers<Source>('about', 'options', 'examples', 'verify', 'normalise');
const sources = await loadShelf(folder, check);

/** The way of a delivery through a source, as the door takes it. Options that do not parse are `file-invalid`. */
function deliver(source: Source, example: SourceExample): Normalised {
  const options = source.options.safeParse(example.options);
  if (!options.success) throw new TocsinError('file-invalid', { message: options.error.message });
  const delivery = { headers: example.headers, body: Buffer.from(example.body), at: example.at ?? 1_795_604_410_000 };
  if (!source.verify(delivery, options.data).ok) throw new TocsinError('bad-signature');
  return source.normalise(parseDelivery(source, delivery, options.data), delivery, options.data);
}

test('the shelf holds the four sources', () => {
  expect([...sources.keys()]).toEqual(['alertmanager', 'pagerduty', 'schedule', 'webhook']);
});

describe.each([...sources.values()].map(source => [source.id, source] as const))('source %s', (_id, source) => {
  test('has a sentence about it, and an example that goes through or says why not', () => {
    expect(source.about).toMatch(/\.$/);
    expect(source.examples.length).toBeGreaterThan(1);
  });

  test.each(source.examples.map(example => [example.title, example] as const))('%s', (_title, example) => {
    const expected = example.expect;
    if ('refused' in expected) {
      expect(() => deliver(source, example)).toThrow(
        expect.toSatisfy(error => isCode(error, expected.refused as never)),
      );
      return;
    }
    const made = deliver(source, example);
    expect(made.events.map(event => incomingEvent.parse(event))).toMatchObject(expected.events);
    expect(made.events).toHaveLength(expected.events.length);
    if (expected.deliveryId !== undefined) expect(made.deliveryId).toBe(expected.deliveryId);
  });
});
