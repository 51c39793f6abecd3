import type { CelType } from '@bufbuild/cel';
import { Environment } from '@marcbachmann/cel-js';
import { alertCalls } from './gate-values.ts';
import { evaluated } from './program.ts';

// Two libraries share one meaning: this one parses and checks types, which the other does not, and the other evaluates. What either refuses
// is refused. Both know the same functions: those of the evaluator are declared to the check.

/** The static types of operators that the check does not know: numbers are compared across their types, bytes are ordered. */
const operators = [
  'int == double',
  'int == uint',
  'uint == double',
  'bytes < bytes',
  'bytes <= bytes',
  'bytes > bytes',
  'bytes >= bytes',
];

/** What only a scope declares, for a type of its own. */
const ofScopes = new Set(alertCalls.map(call => call.name));

/** Declares the evaluator's functions and operators to the check, as far as it does not have them. */
export function declareCalls(environment: Environment): Environment {
  // Of a fresh environment: one whose definitions were read puts what it registers later into all environments (8.0.0).
  const { functions } = new Environment().getDefinitions();
  const has = new Set(
    functions.map(one =>
      keyOf(
        one.receiverType,
        one.name,
        one.params.map(param => param.type),
      ),
    ),
  );
  environment.registerType('StringsNamespace', { fields: {} }).registerVariable('strings', 'StringsNamespace');
  for (const operator of operators) environment.registerOperator(operator, never);
  for (const call of evaluated) {
    // The check has an overload of type() for each type; duration(1) is an error of ours.
    if (call.name === 'type' || call.id === 'duration(int)' || ofScopes.has(call.name)) continue;
    const name = call.name.replace('strings.', '');
    const receiver = call.name.startsWith('strings.') ? 'StringsNamespace' : call.target && nameOf(call.target);
    const args = call.arguments.map(nameOf);
    if (has.has(keyOf(receiver ?? null, name, args))) continue;
    environment.registerFunction(
      `${receiver === undefined ? '' : `${receiver}.`}${name}(${args.join(', ')}): ${nameOf(call.result)}`,
      never,
    );
  }
  return environment;
}

function keyOf(receiver: string | null, name: string, args: readonly string[]): string {
  return `${receiver ?? ''}.${name}(${args.join(', ')})`;
}

function nameOf(type: CelType): string {
  if (type.kind === 'list') return 'list<dyn>';
  if (type.kind === 'map') return 'map<dyn, dyn>';
  return type.name === 'null_type' ? 'null' : type.name;
}

/** The check calls no function. */
function never(): never {
  throw new Error('the check of types evaluates nothing');
}
