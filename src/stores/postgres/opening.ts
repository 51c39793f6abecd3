import { TocsinError } from '../../kernel/errors.ts';
import type { Address } from './address.ts';
import { describeFailure, kindOf, remedyFor } from './failure.ts';

/** The error for a database that could not be opened: `store-unreachable` when waiting may help, else `store-refused`. */
export function toOpenFailure(error: unknown, address: Address): TocsinError {
  if (error instanceof TocsinError) return at(error, address);
  const facts = { at: address.shown, given: describeFailure(error), cause: error };
  const remedy = remedyFor(error);
  if (remedy !== null) return new TocsinError('store-refused', { ...facts, remedy });
  return new TocsinError(kindOf(error) === 'refused' ? 'store-refused' : 'store-unreachable', facts);
}

function at(error: TocsinError, address: Address): TocsinError {
  if (error.at !== undefined) return error;
  const { message, allowed, given, remedy, cause } = error;
  return new TocsinError(error.code, {
    message,
    at: address.shown,
    ...(allowed === undefined ? {} : { allowed }),
    ...(given === undefined ? {} : { given }),
    remedy,
    cause,
  });
}
