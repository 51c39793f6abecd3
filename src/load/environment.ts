import type { Faults } from './problems.ts';
import type { Path } from './yaml.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in the texts of a parsed file. `$${` is the escape for `${`. References in values of variables
 * are not replaced.
 */
export function fillEnvironment(value: unknown, env: Env, faults: Faults, path: Path = []): unknown {
  if (typeof value === 'string') return fillText(value, env, faults, path);
  if (Array.isArray(value)) return value.map((item, index) => fillEnvironment(item, env, faults, [...path, index]));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, fillEnvironment(member, env, faults, [...path, key])]),
  );
}

const reference = /\$\$\{|\$\{(?!\{)([^}]*)\}?/g;

function fillText(text: string, env: Env, faults: Faults, path: Path): string {
  if (!text.includes('${')) return text;
  return text.replace(reference, (whole, inner: string | undefined, offset: number) => {
    if (inner === undefined) return '${';
    const parts = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner);
    if (parts?.[1] === undefined || !whole.endsWith('}')) {
      faults.add(path, 'this is not a reference to the environment', {
        given: whole,
        allowed: '${NAME}, ${NAME:-default}, or $${ for the characters',
        offset,
      });
      return '';
    }
    const value = env[parts[1]];
    if (value !== undefined && (value !== '' || parts[2] === undefined)) return value;
    if (parts[2] !== undefined) return parts[2];
    faults.add(path, `the environment variable ${parts[1]} is not set`, {
      given: whole,
      allowed: `set ${parts[1]}, or write \${${parts[1]}:-default}`,
      offset,
    });
    return '';
  });
}
