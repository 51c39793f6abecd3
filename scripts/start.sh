#!/bin/sh
# npm start: sets up what is missing, then becomes the Tocsin process itself, so that signals reach it.
set -eu
. "$(dirname "$0")/setup.sh"
exec "$node" src/main.ts "$@"
