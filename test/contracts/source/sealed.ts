import { expect, it } from 'vitest';
import { isCode, TocsinError } from '../../../src/kernel/errors.ts';
import { type Delivery, parseDelivery, type Source, type SourceExample } from '../../../src/ports/source.ts';

/**
 * What holds of a sender that signs with a key pair inside of its body, so that nobody else can make its proof. Its examples name the key
 * that would be fetched. Nothing here needs a door.
 */
export function sealedContract(source: Source, examples: readonly SourceExample[]): void {
  it.each(examples.map(example => [example.title, example] as const))('%s: holds as it is only', (_title, example) => {
    const options = source.options.parse(example.options);
    const right: Delivery = {
      headers: example.headers,
      body: Buffer.from(example.body),
      at: example.at ?? 0,
      key: example.key ?? null,
    };
    const by = (delivery: Delivery) => {
      const verified = source.verify(delivery, options);
      return verified.ok ? verified.by : null;
    };
    expect(by(right)).toBe('signature');
    expect(source.keyAt?.(right, options)).toMatch(/^https:\/\/[a-z0-9.-]+\/[\w./-]+$/);

    const { key: _key, ...without } = right;
    for (const key of [null, '', example.key?.slice(1) ?? '', 'x'.repeat(100_000)])
      expect(by({ ...right, key })).toBeNull();
    expect(by(without)).toBeNull();

    for (const text of everyTextOtherwise(JSON.parse(example.body)))
      expect(wasTaken(source, { ...right, body: Buffer.from(text) }, options, example.body), text).toBe(false);
    for (const body of ['', ' ', 'null', '[]', '{}', example.body.slice(1), example.body + example.body])
      expect(by({ ...right, body: Buffer.from(body) })).toBeNull();
  });
}

/** The body with one of its texts changed, left out, or of another type. */
function everyTextOtherwise(body: Record<string, unknown>): string[] {
  return Object.entries(body).flatMap(([name, value]) =>
    [`${value}x`, `x${value}`, '', 7, null, undefined, [value]].map(other =>
      JSON.stringify({ ...body, [name]: other }),
    ),
  );
}

/** True when a changed body makes other events than the right one: the members that are not signed may make no difference. */
function wasTaken(source: Source, delivery: Delivery, options: unknown, right: string): boolean {
  const verified = source.verify(delivery, options);
  if (!verified.ok || verified.by === 'none') return false;
  const made = (body: Buffer) => {
    try {
      return source.normalise(parseDelivery(source, { ...delivery, body }, options), { ...delivery, body }, options);
    } catch (error) {
      if (error instanceof TocsinError && isCode(error, 'bad-body')) return null;
      throw error;
    }
  };
  return JSON.stringify(made(delivery.body)) !== JSON.stringify(made(Buffer.from(right)));
}
