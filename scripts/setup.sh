# Installs what package-lock.json names, when it is not there yet; sets $node to the Node release to run with. Sourced, never run.
# Several commands may be started at the same time on a fresh clone, so the first one installs and the others wait.
cd "$(dirname "$0")/.."

is_installed() {
  [ -f node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]
}

install_packages() {
  # npm ci empties the folder first, and a link may lead to one that others use.
  if [ -L node_modules ]; then
    echo "Tocsin: node_modules is a link to $(readlink node_modules), which does not fit package-lock.json. Remove the link, or install there." >&2
    return 1
  fi
  echo "Tocsin: installing its packages (npm ci); this happens once and takes about half a minute ..." >&2
  # Install scripts matter: the package `node` is the Node release that everything runs on.
  if ! npm ci --no-audit --no-fund --loglevel=error >&2; then
    echo "Tocsin: npm ci failed; see above. Is the npm registry reachable, and is the disk not full?" >&2
    return 1
  fi
  touch node_modules/.package-lock.json
}

if ! is_installed; then
  lock="${TMPDIR:-/tmp}/tocsin-install-$(pwd | cksum | cut -d' ' -f1)"
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    # The process that made the lock may have been killed; its pid in the lock shows that.
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$lock"; continue; fi
    waited=$((waited + 1))
    if [ "$waited" -gt 600 ]; then echo "Tocsin: waited 10 minutes for $lock; remove it if no install is running." >&2; exit 1; fi
    sleep 1
  done
  echo $$ >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT TERM
  is_installed || install_packages || exit 1
  rm -rf "$lock"
  trap - EXIT INT TERM
fi

# Programs of steps start in a third of the time with it. Where it cannot be made, they start all the same.
sh scripts/spawner.sh || true

# The package `node` is the pinned release; without dev dependencies (in the image) the system's has to do.
if [ -x node_modules/.bin/node ]; then
  node="$(pwd)/node_modules/.bin/node"
else
  node=node
  if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 24 || (a === 24 && b >= 15) ? 0 : 1)'; then
    echo "Tocsin: needs Node 24.15 or newer, and found $(node --version). Run npm ci without --omit=dev: it brings the right one." >&2
    exit 1
  fi
fi
