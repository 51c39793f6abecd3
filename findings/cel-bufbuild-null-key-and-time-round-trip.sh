#!/bin/bash
# CEL in @bufbuild/cel: a key with null is there and not there, and a time does not come back from its number.
#
# Run:      @bufbuild/cel 0.6.1 (and @marcbachmann/cel-js 8.0.0 beside it) on two bodies as webhooks send them:
#           {"resolvedAt": null}, as many senders write "not yet", and a time as seconds since 1970.
# Guess:    A library that passes the conformance cases of CEL says of a key with null what the language definition
#           says of keys: `in` and has() ask whether it is there, and null is a value. And timestamp(int(t)) is t,
#           because int(timestamp) is defined as seconds since 1970.
# Seen:     size(body) is 1 and body.resolvedAt == null is true, but 'resolvedAt' in body and has(body.resolvedAt)
#           are false, also for a map that the expression itself writes out. int(timestamp) gives seconds,
#           timestamp(int) takes milliseconds: a day of 2026 comes back as 21 January 1970, without an error.
# Output:   expression                                              @bufbuild/cel          cel-js
#           size(body)                                              1                      1
#           body.resolvedAt == null                                 true                   true
#           'resolvedAt' in body                                    false                  true
#           has(body.resolvedAt)                                    false                  true
#           'a' in {'a': null}                                      false                  true
#           int(timestamp("2026-01-01T00:00:00Z"))                  1767225600             no such function
#           string(timestamp(1767225600))                           1970-01-21T10:53:45.600Z
# Matters:  "resolvedAt" in body tells two forms of an event apart, or so one thinks: with null the sender has said
#           something, and the rule sees nothing. Times from numbers are off by a factor of 1,000 and look old, so
#           a rule on age holds for everything.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact @bufbuild/cel@0.6.1 @marcbachmann/cel-js@8.0.0 \
  > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > judge.mjs <<'E'
import { run } from '@bufbuild/cel';
import { Environment } from '@marcbachmann/cel-js';

const environment = new Environment({ unlistedVariablesAreDyn: true });
const body = { resolvedAt: null };
const say = (evaluate) => {
  try {
    const value = evaluate();
    return value !== null && typeof value === 'object' ? (value instanceof Date ? value.toISOString() : 'error') : String(value);
  } catch {
    return 'error';
  }
};
const expected = [
  ['size(body)', '1', '1'],
  ['body.resolvedAt == null', 'true', 'true'],
  ["'resolvedAt' in body", 'false', 'true'],
  ['has(body.resolvedAt)', 'false', 'true'],
  ["'a' in {'a': null}", 'false', 'true'],
  ['int(timestamp("2026-01-01T00:00:00Z"))', '1767225600', 'error'],
  ['string(timestamp(1767225600))', '1970-01-21T10:53:45.600Z', 'error'],
  ['timestamp(int(timestamp("2026-01-01T00:00:00Z"))) == timestamp("2026-01-01T00:00:00Z")', 'false', 'error'],
];
const failed = [];
for (const [text, ...wanted] of expected) {
  const seen = [say(() => run(text, { body })), say(() => environment.evaluate(text, { body }))];
  console.log(`${text}  =>  ${seen.join('  |  ')}`);
  if (seen.join() !== wanted.join()) failed.push(text);
}
if (failed.length > 0) {
  console.log(`CHANGED: ${failed.join('; ')}`);
  process.exit(1);
}
console.log('as described');
E
node judge.mjs
