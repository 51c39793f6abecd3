#!/bin/sh
# npm run validate: everything that must hold before a change lands. With --no-tests all but the tests, for use right after them.
set -u
. "$(dirname "$0")/setup.sh"
failed=""
check() {
  name=$1
  shift
  echo "== $name"
  "$@" || failed="$failed $name"
}
check lint node_modules/.bin/biome check .
check types node_modules/.bin/tsc --noEmit
check unused node_modules/.bin/knip
check generated "$node" scripts/generate.ts --check
[ "${1:-}" = --no-tests ] || check tests sh scripts/test.sh
if [ -n "$failed" ]; then
  echo "validate: not in order:$failed" >&2
  exit 1
fi
echo "validate: all in order"
