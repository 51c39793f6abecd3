#!/bin/sh
# Installs what the tests run against, as Debian packages: Prometheus, Alertmanager, Chromium, PostgreSQL, Redis and strace, and what
# docs/safe-forms.md and deploy/ speak of: nginx, HAProxy, OpenSSH, MariaDB, Ansible, curl, fakeroot and a few tools of a Linux host;
# a C compiler for the spawn helper. What docs/nagios.md and docs/senders.md speak of: Nagios, for whose mail program dma is enough, Icinga 2,
# Monit, collectd, syslog-ng and fail2ban; of docs/syslog.md: rsyslog and logger.
# With TOCSIN_SLOW set also what only the slow tests run: Zabbix with its frontend.
# Safe to run again: it does nothing, and says nothing, when all of them are there. Their services are never started.
# Where they cannot be had it says so: with CI=true that is a failure, elsewhere the tests that need them are skipped.
set -eu

# program:package
wanted='prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager chromium:chromium postgres:postgresql redis-server:redis-server strace:strace
nginx:nginx-light haproxy:haproxy sshd:openssh-server ssh:openssh-client mariadbd:mariadb-server mariadb:mariadb-client psql:postgresql-client
redis-cli:redis-tools ansible-playbook:ansible-core curl:curl fakeroot:fakeroot findmnt:util-linux lsof:lsof fuser:psmisc pgrep:procps openssl:openssl
cc:gcc /usr/include/stdio.h:libc6-dev
sendmail:dma nagios4:nagios4-core icinga2:icinga2-bin monit:monit collectd:collectd-core syslog-ng:syslog-ng-core
libestr.so.0:libestr0 libfastjson.so.4:libfastjson4 liblognorm.so.5:liblognorm5 logger:bsdutils
fail2ban-server:fail2ban libhttp.so:syslog-ng-mod-http libyajl.so.2:libyajl2 libcurl-gnutls.so.4:libcurl3-gnutls'

if [ -n "${TOCSIN_SLOW:-}" ]; then
  wanted="$wanted
zabbix_server:zabbix-server-pgsql /usr/share/zabbix/api_jsonrpc.php:zabbix-frontend-php php:php-cli /var/lib/dpkg/info/php-pgsql.list:php-pgsql"
fi

# Servers are in /usr/sbin, which is not in everybody's PATH; PostgreSQL's programs, libraries and syslog-ng's modules in folders of theirs.
has() {
  command -v "$1" >/dev/null 2>&1 && return 0
  [ -x "/usr/sbin/$1" ] && return 0
  [ -e "/${1#/}" ] && return 0
  [ "$1" = postgres ] && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && return 0
  case $1 in lib*) [ -n "$(find /usr/lib -maxdepth 3 -name "$1" -print -quit)" ] && return 0 ;; esac
  return 1
}

# Debian has one of syslog-ng and rsyslog installed, not both: rsyslog is unpacked here, and runs with `-M modules`.
rsyslog=/usr/local/lib/tocsin-tests/rsyslog

missing=''
for pair in $wanted; do
  has "${pair%%:*}" || missing="$missing ${pair##*:}"
done
[ -x "$rsyslog/usr/sbin/rsyslogd" ] || missing="$missing rsyslog"
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
      prometheus* | postgresql | redis-server | haproxy | monit | fail2ban) systemctl mask --quiet "$package.service" ;;
      nginx-light) systemctl mask --quiet nginx.service ;;
      mariadb-server) systemctl mask --quiet mariadb.service ;;
      nagios4-core) systemctl mask --quiet nagios4.service ;;
      icinga2-bin) systemctl mask --quiet icinga2.service ;;
      collectd-core) systemctl mask --quiet collectd.service ;;
      syslog-ng-core) systemctl mask --quiet syslog-ng.service ;;
      zabbix-server-pgsql) systemctl mask --quiet zabbix-server.service ;;
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

unpack_rsyslog() {
  mkdir -p "$rsyslog"
  # A name of apt's own user could not write here otherwise.
  (cd "$rsyslog" && run apt-get -qq -o APT::Sandbox::User=root download rsyslog rsyslog-openssl)
  for package in "$rsyslog"/*.deb; do run dpkg-deb -x "$package" "$rsyslog"; done
  rm -f "$rsyslog"/*.deb
  ln -sfn "$(dirname "$(find "$rsyslog/usr/lib" -name lmnsd_ossl.so)")" "$rsyslog/modules"
}

echo "setup-test: installing$missing"
export DEBIAN_FRONTEND=noninteractive
run apt-get -qq -o DPkg::Lock::Timeout=300 update
packages=$(echo "$missing " | sed 's/ rsyslog / /')
# shellcheck disable=SC2086 # a list of words on purpose
[ -z "${packages# }" ] || run apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install $packages
[ -x "$rsyslog/usr/sbin/rsyslogd" ] || unpack_rsyslog

for pair in $wanted; do
  has "${pair%%:*}" || give_up "${pair##*:} was installed, but there is no ${pair%%:*} in PATH."
done
