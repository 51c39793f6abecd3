#!/bin/sh
# Compiles the spawn helper of src/kernel/child/spawner/helper.c, once for each state of its source, to
# node_modules/.cache/tocsin/tocsin-spawn-HASH. Without a compiler it does nothing, and helpers of Perl do its work at a higher cost.
# Static where the C library allows it: a small program is copied less.
set -eu
cd "$(dirname "$0")/.."
# It is made of system calls of Linux.
[ "$(uname -s)" = Linux ] || exit 0
source=src/kernel/child/spawner/helper.c
# An installed package has its sources in dist.
[ -f "$source" ] || source=dist/$source
folder=node_modules/.cache/tocsin
program="$folder/tocsin-spawn-$(sha256sum "$source" | cut -c1-16)"
[ ! -x "$program" ] || exit 0
compiler=$(command -v cc || command -v gcc || command -v clang || true)
[ -n "$compiler" ] || exit 0
mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] || exit 0
# Under a name of its own first: several commands may come here at the same time.
made="$program.$$"
trap 'rm -f "$made"' EXIT
"$compiler" -O2 -static -o "$made" "$source" 2>/dev/null || "$compiler" -O2 -o "$made" "$source" 2>/dev/null || exit 0
mv -f "$made" "$program"
