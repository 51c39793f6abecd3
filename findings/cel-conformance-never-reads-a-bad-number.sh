#!/bin/bash
# CEL: conformance does not say how a text becomes a number, and the empty text is the number 0.
#
# Run:      @bufbuild/cel 0.6.1 and @marcbachmann/cel-js 8.0.0, the two CEL libraries of npm that are kept up,
#           and the cases of google/cel-spec v0.25.1, which @bufbuild/cel-spec 0.6.1 carries.
# Guess:    int(text) is an error for a text that is no decimal number, and timestamp(text) for a day that the
#           calendar lacks: the language definition says error, so the conformance cases hold a library to it,
#           and a library that passes nearly all of them
#           can be trusted with both.
# Seen:     Of 2,344 cases one gives int() a text: int('987'). uint() has one too, double() ten, all of them
#           good numbers beside NaN and Infinity; no case has a day that does not exist. @bufbuild/cel reads with
#           JavaScript's BigInt(): the empty text and blanks are 0, hexadecimal and binary are taken, spaces are
#           dropped. cel-js takes some of those and refuses others. Both move 30 February to 2 March and 24:00
#           to the next day.
# Output:   expression                                @bufbuild/cel          cel-js
#           int("")                                   0                      0
#           int(" 5 ")                                5                      error
#           int("0x10")                               16                     error
#           int("0b1")                                1                      1
#           double("")                                0                      error
#           timestamp("2026-02-30T00:00:00Z")         2026-03-02             2026-03-02
#           timestamp("2026-06-01T24:00:00Z")         2026-06-02             2026-06-02
# Matters:  A rule such as `int(labels.replicas) <= 3` holds for an alert whose label is there and empty. Read
#           numbers and times of events with a reader of your own, whatever the score of the library.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact \
  @bufbuild/cel@0.6.1 @bufbuild/cel-spec@0.6.1 @marcbachmann/cel-js@8.0.0 > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > judge.mjs <<'E'
import { run } from '@bufbuild/cel';
import { getConformanceSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { Environment } from '@marcbachmann/cel-js';

const day = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 10);
const show = (value) => {
  if (value instanceof Date) return day(value.getTime());
  if (typeof value === 'object' && 'message' in value && 'seconds' in value.message) return day(Number(value.message.seconds) * 1000);
  return String(value);
};
const environment = new Environment();
const libraries = [
  (text) => {
    const value = run(text, {});
    return value !== null && typeof value === 'object' && !('message' in value && 'seconds' in (value.message ?? {})) ? 'error' : show(value);
  },
  (text) => show(environment.evaluate(text, {})),
];
const answer = (library, text) => {
  try {
    return library(text);
  } catch {
    return 'error';
  }
};
const expected = [
  ['int("987")', '987', '987'],
  ['int("")', '0', '0'],
  ['int(" 5 ")', '5', 'error'],
  ['int("0x10")', '16', 'error'],
  ['int("0b1")', '1', '1'],
  ['double("")', '0', 'error'],
  ['timestamp("2026-02-30T00:00:00Z")', '2026-03-02', '2026-03-02'],
  ['timestamp("2026-06-01T24:00:00Z")', '2026-06-02', '2026-06-02'],
];
const failed = [];
for (const [text, ...wanted] of expected) {
  const seen = libraries.map((library) => answer(library, text));
  console.log(text.padEnd(42) + seen.map((one) => one.padEnd(14)).join(''));
  if (seen.join() !== wanted.join()) failed.push(`${text} is ${seen.join(' and ')}`);
}

const cases = [];
const collect = (suite) => {
  cases.push(...(suite.tests ?? []).map((test) => test.original.expr));
  for (const inner of suite.suites ?? []) collect(inner);
};
collect(getConformanceSuite());
const given = (name) => cases.filter((text) => new RegExp(`^\\s*${name}\\(\\s*r?["']`).test(text));
console.log(`${cases.length} cases; a text given to int(): ${given('int').join(' ')}; to uint(): ${given('uint').join(' ')}; to double(): ${given('double').length}`);
const days = cases.filter((text) => /timestamp\(["']\d+-(02-3|0[469]-31|11-31|\d\d-\d\dT24)/.test(text));
console.log(`cases with a day or an hour that does not exist: ${days.length}`);
if (given('int').join() !== "int('987')" || given('uint').join() !== "uint('300')" || days.length > 0) failed.push('the cases of the conformance suite');
if (given('double').length !== 10) failed.push('the number of cases of double()');
if (failed.length > 0) {
  console.log(`CHANGED: ${failed.join('; ')}`);
  process.exit(1);
}
console.log('as described');
E
node judge.mjs
