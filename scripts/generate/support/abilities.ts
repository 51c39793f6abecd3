import type { IncomingEvent } from '../../../src/model/event.ts';
import type { OriginMethod } from '../../../src/ports/origin.ts';
import { type Delivery, parseDelivery, type Source, type SourceExample } from '../../../src/ports/source.ts';

/** What a source can do, as its own examples and its methods show it. */
export interface Abilities {
  /** The proofs by which its examples are taken, in words. */
  proofs: string[];
  tellsEnds: boolean;
  /** True when its stretches end here after a time without news. */
  endsByQuiet: boolean;
  tellsAcknowledgements: boolean;
  canBeAsked: boolean;
  isListed: boolean;
  /** What its origin is told, in words. */
  told: string[];
}

const words: Readonly<Record<string, string>> = {
  signature: 'signature of a key pair',
  hmac: 'signature',
  bearer: 'bearer token',
  basic: 'basic auth',
  header: 'token in a header',
};

const told: Readonly<Partial<Record<OriginMethod, string>>> = {
  acknowledge: 'acknowledgements',
  note: 'outcomes',
  report: 'states of runs',
  resolve: 'ends',
  page: 'pages',
  silence: 'silences',
  ticket: 'tickets',
};

export function abilitiesOf(source: Source): Abilities {
  const taken = source.examples.filter(example => 'events' in example.expect);
  const events = taken.flatMap(example => eventsOf(source, example));
  const states = events.map(event => (event.kind === 'alert' ? event.state : null));
  const proven = source.examples.filter(example => !('refused' in example.expect));
  // Its key is at an address of the sender's, so no example has it.
  const keyPair = source.keyAt === undefined ? [] : ['signature'];
  const proofs = new Set(
    [...keyPair, ...proven.map(example => proofOf(source, example))].flatMap(by => words[by] ?? []),
  );
  return {
    proofs: Object.values(words).filter(word => proofs.has(word)),
    tellsEnds: states.includes('resolved'),
    endsByQuiet: source.tellsNoEnd === true,
    tellsAcknowledgements: states.includes('acknowledged'),
    canBeAsked: source.look !== undefined,
    isListed: source.listFiring !== undefined,
    told: [...new Set((source.tells ?? []).flatMap(method => told[method] ?? []))],
  };
}

function readExample(source: Source, { headers, body, at = 1_795_604_410_000, ...rest }: SourceExample) {
  const options = source.options.parse(rest.options);
  return { options, delivery: { ...rest, headers, body: Buffer.from(body), at } as Delivery };
}

function proofOf(source: Source, example: SourceExample): string {
  const { options, delivery } = readExample(source, example);
  const verified = source.verify(delivery, options);
  return verified.ok ? verified.by : 'none';
}

function eventsOf(source: Source, example: SourceExample): readonly IncomingEvent[] {
  const { options, delivery } = readExample(source, example);
  return source.normalise(parseDelivery(source, delivery, options), delivery, options).events;
}
