#!/bin/sh
# npm start: sets up what is missing, then becomes the Tocsin process itself, so that signals reach it.
set -eu
. "$(dirname "$0")/setup.sh"
# The young generation would grow to 32 MB while the modules load and stay that large; 8 MB in all serves as well.
exec "$node" --max-semi-space-size=4 src/main.ts "$@"
