#!/bin/bash
# cel-js: to ask an environment which functions it has makes its functions those of all environments.
#
# Run:      @marcbachmann/cel-js 8.0.0: two environments in one process. The first registers a function.
# Guess:    An Environment is a set of its own, as its name says and as the second one shows as long as nobody asks:
#           a function that is registered in one is unknown in the other. getDefinitions() only reads.
# Seen:     After first.getDefinitions() every function that `first` registers later is known in environments that are
#           made afterwards, too, with the code that `first` gave it.
# Output:   without getDefinitions(): "lookup" in another environment: error, no matching overload
#           after getDefinitions():   "lookup" in another environment: from the first
# Matters:  A program that lists the functions of a scope for its documentation or its error messages (the nearest
#           known word) lets the functions of its scopes run into each other: a policy gets what only a template was
#           to have, the check at load passes what the place forbids, and the order of loading decides. Register
#           everything before the first look, or make environments in an order that does not matter.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact @marcbachmann/cel-js@8.0.0 > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > judge.mjs <<'E'
import { Environment } from '@marcbachmann/cel-js';

const look = process.argv[2] === 'look';
const first = new Environment();
if (look) first.getDefinitions();
first.registerFunction('lookup(string): string', () => 'from the first');
let seen;
try {
  seen = new Environment().evaluate('lookup("x")');
} catch (error) {
  seen = `error: ${error.message.split('\n')[0]}`;
}
console.log(`${look ? 'after' : 'without'} getDefinitions(): ${seen}`);
const holds = look ? seen === 'from the first' : seen.startsWith('error: found no matching overload');
if (!holds) {
  console.log('CHANGED: this is no longer so');
  process.exit(1);
}
E
node judge.mjs
node judge.mjs look
echo 'as described'
