import { readFileSync } from 'node:fs';
import { isCode, TocsinError } from '../../src/kernel/errors.ts';
import type { IncomingAlert, IncomingEvent } from '../../src/model/event.ts';
import { type Delivery, type Normalised, parseDelivery, type Source } from '../../src/ports/source.ts';

export const now = 1_795_604_410_000;

const payloads = new URL('../fixtures/payloads/', import.meta.url);

export function payload(file: string): Buffer {
  return readFileSync(new URL(file, payloads));
}

export interface Vector {
  source: string;
  file?: string;
  body?: string;
  secret: string;
  /** Seconds since the epoch. */
  now?: number;
  timestampHeader?: string;
  headers: Record<string, string>;
  expect: string;
  why?: string;
}

export function vectors(source: string): Vector[] {
  const all: { vectors: Vector[] } = JSON.parse(payload('signature-vectors.json').toString());
  return all.vectors.filter(vector => vector.source === source);
}

export function delivery(body: Buffer | string, headers: Record<string, string> = {}, at = now): Delivery {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { headers: Object.fromEntries(lower), body: Buffer.from(body), at };
}

/** The way of a vector through `verify`. */
export function verifyVector<O>(source: Source<O>, options: unknown, vector: Vector): boolean {
  const body = vector.file === undefined ? (vector.body ?? '') : payload(vector.file);
  const at = vector.now === undefined ? now : vector.now * 1000;
  return source.verify(delivery(body, vector.headers, at), source.options.parse(options)).ok;
}

/** The way of a delivery through `parse` and `normalise`, with the options as a user writes them. */
export function take<O>(source: Source<O>, given: Delivery, options: unknown): Normalised {
  const parsed = source.options.parse(options);
  return source.normalise(parseDelivery(source, given, parsed), given, parsed);
}

/** Parses and normalises a body, with the options as a user writes them. */
export function normalise<O>(source: Source<O>, body: Buffer | string, options: unknown = {}, at = now): Normalised {
  const given = delivery(body, {}, at);
  return take(source, given, options);
}

export function alertsOf(events: readonly IncomingEvent[]): IncomingAlert[] {
  return events.filter(event => event.kind === 'alert');
}

/** Runs it; a refusal is fine, any other error is not. */
export function refusesAtMost(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isCode(error, 'bad-body')) throw error;
  }
}

/** The error that it is refused with. */
export function refusal(act: () => unknown): TocsinError {
  try {
    act();
  } catch (error) {
    if (error instanceof TocsinError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
