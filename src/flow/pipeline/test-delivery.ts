import { isCode, messageOf } from '../../kernel/errors.ts';
import type { ConfiguredSource } from '../../ports/catalogue.ts';
import { type Delivery, parseDelivery, type SourceExample } from '../../ports/source.ts';

/** An example of a source as a delivery that its options take, or why there is none. */
export type TestDelivery = { ok: true; title: string; delivery: Delivery } | { ok: false; because: string };

/**
 * Pure: the first example of the source that makes an event with the options of tocsin.yaml, proven as its sender would; one of an alert
 * that fires is preferred. Not every source has one: a sender that signs with a key of its own cannot be imitated, and a mapping of the
 * user may read fields that no example has.
 */
export function testDelivery({ driver, options }: ConfiguredSource, at: number): TestDelivery {
  const doubts: string[] = [];
  for (const example of candidatesOf(driver.examples)) {
    const delivery = deliveryOf(example, { driver, options }, at);
    const doubt = doubtOf(delivery, { driver, options });
    if (doubt === null) return { ok: true, title: example.title, delivery };
    doubts.push(doubt);
  }
  return { ok: false, because: doubts[0] ?? 'it has none that makes an event' };
}

type Made = Pick<ConfiguredSource, 'driver' | 'options'>;

function candidatesOf(examples: readonly SourceExample[]): SourceExample[] {
  const making = examples.filter(({ expect }) => 'events' in expect && expect.events.length > 0);
  const fires = ({ expect }: SourceExample) =>
    'events' in expect && expect.events.some(event => event.kind === 'alert' && event.state === 'firing');
  return [...making.filter(fires), ...making.filter(example => !fires(example))];
}

/** Header names of proofs, which are made anew. */
const proof = /^(authorization|.*(signature|token|secret|api-?key).*)$/;

function deliveryOf(example: SourceExample, { driver, options }: Made, at: number): Delivery {
  const named = Object.entries(example.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const headers = Object.fromEntries(named.filter(([name]) => !proof.test(name)));
  const body = Buffer.from(example.body);
  return { headers: { ...headers, ...driver.prove?.({ headers, body, at }, options) }, body, at };
}

/** Why the source would refuse it; null when it takes it. */
function doubtOf(delivery: Delivery, { driver, options }: Made): string | null {
  const verified = driver.verify({ ...delivery, key: null }, options);
  if (!verified.ok) return verified.because;
  try {
    const { events } = driver.normalise(parseDelivery(driver, delivery, options), delivery, options);
    return events.length === 0 ? 'it makes no event' : null;
  } catch (error) {
    return isCode(error, 'bad-body') ? messageOf(error) : 'it cannot be read';
  }
}
