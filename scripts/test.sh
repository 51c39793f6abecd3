#!/bin/sh
# npm test: sets up what is missing (packages, then the programs that the end-to-end tests drive), then runs every test.
# Words after `npm test --` go to vitest: npm test -- test/http. TOCSIN_TEST_REPORT names a file for the results as JSON.
set -eu
. "$(dirname "$0")/setup.sh"
if [ -f scripts/setup-test.sh ]; then sh scripts/setup-test.sh; fi
# Once more: the compiler may have come just now.
sh scripts/spawner.sh || true
if [ -n "${TOCSIN_TEST_REPORT:-}" ]; then
  set -- --reporter=default --reporter=json "--outputFile.json=$TOCSIN_TEST_REPORT" "$@"
fi
exec "$node" node_modules/vitest/vitest.mjs run "$@"
