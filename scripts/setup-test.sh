#!/bin/sh
# Installs what the tests run against, as Debian packages: Prometheus, Alertmanager, Chromium, PostgreSQL, Redis and strace, and what
# docs/safe-forms.md and deploy/ speak of: nginx, HAProxy, OpenSSH, MariaDB, Ansible, curl, fakeroot and a few tools of a Linux host.
# Safe to run again: it does nothing, and says nothing, when all of them are there. Their services are never started.
# Where they cannot be had it says so: with CI=true that is a failure, elsewhere the tests that need them are skipped.
set -eu

# program:package
wanted='prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager chromium:chromium postgres:postgresql redis-server:redis-server strace:strace
nginx:nginx-light haproxy:haproxy sshd:openssh-server ssh:openssh-client mariadbd:mariadb-server mariadb:mariadb-client psql:postgresql-client
redis-cli:redis-tools ansible-playbook:ansible-core curl:curl fakeroot:fakeroot findmnt:util-linux lsof:lsof fuser:psmisc pgrep:procps openssl:openssl'

# Servers are in /usr/sbin, which is not in everybody's PATH, and PostgreSQL's programs in a folder for each version.
has() {
  command -v "$1" >/dev/null 2>&1 && return 0
  [ -x "/usr/sbin/$1" ] && return 0
  [ "$1" = postgres ] && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

missing=''
for pair in $wanted; do
  has "${pair%%:*}" || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0

give_up() {
  echo "setup-test: not installed:$missing" >&2
  echo "setup-test: $1" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  echo "setup-test: the tests that need them will be skipped." >&2
  exit 0
}

command -v apt-get >/dev/null 2>&1 || give_up 'there is no apt-get here; install them yourself and put them into PATH.'
[ "$(id -u)" = 0 ] || give_up 'installing them needs root: sudo sh scripts/setup-test.sh'

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
kept=''

finish() {
  rm -f "$log"
  if [ -n "$kept" ]; then mv -f "$kept" "$policy"; else rm -f "$policy"; fi
}

# Packages ask this file whether they may start their services; 101 is no. One that is there already comes back at the end.
if [ -e "$policy" ]; then
  kept="$policy.tocsin-kept"
  mv -f "$policy" "$kept"
fi
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

# Where systemd runs the machine they would start at the next boot; a masked unit does not. `systemctl unmask` undoes it.
if [ -d /run/systemd/system ]; then
  for package in $missing; do
    case $package in
      prometheus* | postgresql | redis-server | haproxy) systemctl mask --quiet "$package.service" ;;
      nginx-light) systemctl mask --quiet nginx.service ;;
      mariadb-server) systemctl mask --quiet mariadb.service ;;
      openssh-server) systemctl mask --quiet ssh.service ssh.socket ;;
    esac
  done
fi

run() {
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    give_up "this failed: $*"
  fi
}

echo "setup-test: installing$missing"
export DEBIAN_FRONTEND=noninteractive
run apt-get -qq -o DPkg::Lock::Timeout=300 update
# shellcheck disable=SC2086 # a list of words on purpose
run apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install $missing

for pair in $wanted; do
  has "${pair%%:*}" || give_up "${pair##*:} was installed, but there is no ${pair%%:*} in PATH."
done
