#!/bin/sh
# npm run test:mutation: see scripts/mutation.ts. Words after -- choose safety files by part of their name: npm run test:mutation -- decide
set -eu
. "$(dirname "$0")/setup.sh"
exec "$node" scripts/mutation.ts "$@"
