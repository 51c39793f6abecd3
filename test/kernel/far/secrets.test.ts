import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withFar } from '../../../src/flow/run/leftovers.ts';
import { farSides, mayGoOn } from '../../../src/kernel/far/far.ts';

/** What may break a reader of arguments, between pieces that no place here has: each of them is a fragment of the secret. */
const marks = [
  '@',
  '/',
  '?',
  ':',
  '%',
  ',',
  '&',
  '=',
  ' ',
  "'",
  '"',
  '\\',
  '-h',
  ' host=',
  '#',
  '[',
  ';',
  '$',
  '\n',
  '',
];
const pieces = ['qz7vk', 'wx3jq', 'kq9zx', 'h8vqz'];
const secret = fc
  .array(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom(...marks)), { minLength: 1, maxLength: 6 })
  .map(parts => parts.flat().join(''));

const uri = encodeURIComponent;
const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
const shellQuoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

type Placed = (secret: string) => { argv: string[]; env?: Record<string, string> };
/** Ways of handing a secret to a program, the careless ones too. */
const ways: Record<string, Placed> = {
  'attached to -p': s => ({ argv: ['mariadb', `-p${s}`, '-hdb-1', '-e', 'x'] }),
  'attached to a cluster': s => ({ argv: ['timeout', '60', 'mysql', `-BNp${s}`] }),
  'behind -p, as the name of a database': s => ({ argv: ['mariadb', '-p', s, '-e', 'x'] }),
  'behind --password': s => ({ argv: ['mariadb', '--password', s] }),
  'in --password=': s => ({ argv: ['mariadb', `--password=${s}`, '-h', 'db-1'] }),
  'in an option that nobody knows': s => ({ argv: ['mariadb', '--new-secret', s, '-e', 'x'] }),
  'attached to a letter that nobody knows': s => ({ argv: ['psql', `-K${s}`] }),
  'in SQL of mariadb': s => ({ argv: ['mariadb', `-e${s}`, '-hdb-1'] }),
  'in SQL of a cluster': s => ({ argv: ['psql', '-qAtXc', `select '${s}' -- host=${s}`] }),
  'in SQL': s => ({ argv: ['psql', '-At', '-c', `select '${s}' -- host=${s}`, 'postgres://u@db-1/x'] }),
  'in a variable of psql': s => ({ argv: ['psql', '-v', `host=${s}`, `--set=x=${s}`] }),
  'in a URI, encoded': s => ({ argv: ['psql', `postgresql://u:${uri(s)}@db-1/x`] }),
  'in a URI, as it is': s => ({ argv: ['psql', `postgresql://u:${s}@db-1/x`] }),
  'in the query of a URI': s => ({ argv: ['psql', `postgresql://db-1/x?password=${uri(s)}&host=db-1`] }),
  'in conninfo, quoted': s => ({ argv: ['psql', '-d', `password=${quoted(s)} host=db-1`] }),
  'in conninfo, as it is': s => ({ argv: ['psql', `password=${s} host=db-1`] }),
  'in the environment': s => ({ argv: ['psql'], env: { PGPASSWORD: s, MYSQL_PWD: s } }),
  'in an assignment': s => ({ argv: ['env', `PGPASSWORD=${s}`, 'psql', '-h', 'db-1'] }),
  'in code, by a variable': s => ({ argv: ['bash', '-c', 'timeout 60 mariadb -p"$PW" -e x'], env: { PW: s } }),
  'in code, without quotes': s => ({ argv: ['bash', '-c', 'mariadb -p$PW -hdb-1'], env: { PW: s } }),
  'in code, as a word': s => ({ argv: ['bash', '-c', `mariadb -p${shellQuoted(s)} -hdb-1`] }),
  'in code, as a URI': s => ({ argv: ['bash', '-c', 'psql "$URL"'], env: { URL: `postgres://u:${s}@db-1/x` } }),
  'in a here-document': s => ({ argv: ['bash', '-c', `psql <<'EOF'\nssh ${s}\npsql -h ${s}\nEOF\n`] }),
  'in a here-string': s => ({ argv: ['bash', '-c', `ssh <<< ${shellQuoted(s)} web-1`] }),
  'for sshpass': s => ({ argv: ['sshpass', '-p', s, 'ssh', 'web-1'] }),
  'attached, for sshpass': s => ({ argv: ['sshpass', `-p${s}`, 'ssh', 'web-1'] }),
  'before the host of ssh': s => ({ argv: ['ssh', `ssh://u:${s}@web-1`] }),
  'for a container': s => ({ argv: ['docker', 'exec', '-e', `PW=${s}`, 'web', 'ls'] }),
  'for kubectl': s => ({ argv: ['kubectl', '--token', s, 'exec', 'api-0', '--', 'ls'] }),
};

test.each(Object.entries(ways))('a secret %s shows no piece of itself', (_, way) => {
  let shown = 0;
  fc.assert(
    fc.property(secret, value => {
      const { argv, env = {} } = way(value);
      for (const shells of [true, false]) {
        const text = mayGoOn(farSides(argv, env, { shells }));
        for (const piece of pieces) expect(text ?? '').not.toContain(piece);
        if (text !== null) shown++;
      }
    }),
    { numRuns: 200 },
  );
  // A way that never names a place would prove nothing.
  expect(shown).toBeGreaterThan(100);
});

test('the reason of a stopped step with a password in its argv has no part of it', () => {
  const argv = ['timeout', '60', 'mariadb', '-phunter2', '-e', 'select sleep(60)'];
  const because = withFar('Not done after 1 second.', mayGoOn(farSides(argv)));
  expect(because).toBe('Not done after 1 second.; stopped here; may go on at a place that is not known (mariadb)');
});
