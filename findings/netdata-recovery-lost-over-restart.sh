#!/bin/bash
# Netdata swallows a recovery that falls into its restart, and the documented option is without effect.
#
# Run:      Netdata 1.37.1-2 (Debian 12: netdata-core and the notifier of netdata-plugins-bash), one
#           alarm on a statsd gauge, alarm-notify.sh as shipped with a Slack webhook URL that points
#           to a recorder on 127.0.0.1.
# Guess:    Netdata keeps its health log on disk, so after a restart it knows that the alarm was
#           critical: the recovery is sent. Should it not be, clear_alarm_always='YES' in
#           health_alarm_notify.conf, which stands there ready to be uncommented, makes it so.
# Seen:     While it runs, critical and recovered are both sent. An alarm that is critical when
#           Netdata stops and fine when it is back is CLEAR from UNINITIALIZED in the health log.
#           The notifier is run for that, but ends with 1 without a word, as the old status is
#           neither WARNING nor CRITICAL. With clear_alarm_always='YES' in the file it is just the
#           same: the notifier looks at the variable before it loads the file. The same words in the
#           ENVIRONMENT of the daemon do work.
# Output:   while it runs:                  critical recovered
#           over a restart:                 critical, then nothing; CLEAR from UNINITIALIZED, exit 1
#           with the option in the file:    critical, then nothing
#           with it in the environment:     critical recovered
# Matters:  An update or a reboot, which is what often cures the alarm, is what eats the recovery:
#           the thread stays open and a repair goes on waiting for approval although all is well, and
#           who trusts the option has the same hole. Start the daemon with clear_alarm_always=YES and
#           drop, on the own side, recoveries of what was never open; or ask the daemon's
#           /api/v1/alarms before a step runs instead of taking silence for "still critical".
set -eu
T=$(mktemp -d)
PIDS=
finish() {
  for pid in $PIDS; do kill "$pid" 2> /dev/null || true; done
  for pid in $PIDS; do wait "$pid" 2> /dev/null || true; done
  rm -rf "$T"
}
trap finish EXIT
chmod 755 "$T"
cd "$T"
mkdir -m 777 deb
get='cd deb && apt-get download -q netdata-core=1.37.1-2 netdata-plugins-bash=1.37.1-2 libcap2 libjson-c5 liblz4-1 libmnl0 libnetfilter-acct1 libuuid1 libuv1'
(eval "$get") > apt.log 2>&1 || { apt-get update -q > /dev/null 2>&1 || true; (eval "$get") > apt.log 2>&1; } || { cat apt.log; exit 1; }
for deb in deb/*.deb; do dpkg-deb -x "$deb" unpacked; done
LD_LIBRARY_PATH=$(ls -d "$T"/unpacked/usr/lib/*-linux-gnu*):$(ls -d "$T"/unpacked/lib/*-linux-gnu*)
export LD_LIBRARY_PATH

cat > recorder.js <<'E'
const fs = require('node:fs');
const server = require('node:http').createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; }).on('end', () => {
    const text = decodeURIComponent(body.replace(/\+/g, ' '));
    const word = text.includes('recovered') ? 'recovered' : text.includes('critical') ? 'critical' : text;
    fs.appendFileSync('sent', `${word}\n`);
    response.end('ok');
  });
});
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)));
setTimeout(() => process.exit(0), 115_000);
E
: > sent
node recorder.js &
PIDS=$!
for _ in $(seq 50); do [ -s port ] && break; sleep 0.1; done
freeport() { node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
web=$(freeport)
statsd=$(freeport)
mkdir -p user/health.d none lib/health cache log web
cat > user/health.d/test.conf <<'E'
 alarm: queue_length
    on: statsd_queue.gauge
lookup: max -2s unaligned of gauge
 every: 1s
  crit: $this > 50
 units: jobs
  info: jobs that wait
E
notify() {
  cat > user/health_alarm_notify.conf <<E
SEND_EMAIL=NO
SEND_SLACK=YES
SLACK_WEBHOOK_URL=http://127.0.0.1:$(cat port)/hook
DEFAULT_RECIPIENT_SLACK=ops
$1
E
}
cat > netdata.conf <<E
[global]
 run as user = $(id -un)
 OOM score = keep
 process scheduling policy = keep
[directories]
 config = $T/user
 stock config = $T/unpacked/usr/lib/netdata/conf.d
 plugins = $T/unpacked/usr/lib/netdata/plugins.d
 log = $T/log
 cache = $T/cache
 lib = $T/lib
 web = $T/web
 health config = $T/user/health.d
 stock health config = $T/none
[db]
 mode = ram
[web]
 bind to = 127.0.0.1:$web
[registry]
 enabled = no
[ml]
 enabled = no
[plugins]
 proc = no
 diskspace = no
 cgroups = no
 tc = no
 idlejitter = no
 apps = no
 timex = no
 enable running new plugins = no
 netdata monitoring = no
 netdata monitoring extended = no
[statsd]
 bind to = udp:127.0.0.1:$statsd
[health]
 enabled = yes
 script to execute on alarm = $T/unpacked/usr/lib/netdata/plugins.d/alarm-notify.sh
 run at least every seconds = 1
E
touch user/.opt-out-from-anonymous-statistics
start() {
  DISABLE_TELEMETRY=1 unpacked/usr/sbin/netdata -D -c netdata.conf -P "$T/pid" > netdata.out 2>&1 &
  NETDATA=$!
  PIDS="$PIDS $NETDATA"
  for _ in $(seq 40); do curl -sf -m 2 "http://127.0.0.1:$web/api/v1/info" > /dev/null && break; sleep 0.25; done
}
stop() { kill "$NETDATA"; wait "$NETDATA" || true; }
# feed VALUE SECONDS STATUS: sends the gauge every half second until the newest entry of the health
# log has that status and the notifier has been run for it, at most so many seconds.
feed() {
  for _ in $(seq $(($2 * 2))); do
    printf 'queue:%s|g\n' "$1" > "/dev/udp/127.0.0.1/$statsd" || true
    sleep 0.5
    newest=$(curl -s -m 2 "http://127.0.0.1:$web/api/v1/alarm_log" | tr -d '\n\t' | grep -o '^\[{[^}]*}' || true)
    case $newest in *'"exec_run": 0,'*) continue ;; *"\"status\": \"$3\""*) sleep 2; return ;; esac
  done
}
# The notifier is given time to post: it runs beside the daemon.
said() { tr '\n' ' ' < sent | sed 's/ $//'; : > sent; }

notify ''
start
feed 5 4 CLEAR
: > sent
feed 70 15 CRITICAL
feed 5 15 CLEAR
running=$(said)
feed 70 15 CRITICAL
before=$(said)
stop
start
feed 5 15 CLEAR
sleep 3
across=$(said)
log=$(curl -s -m 2 "http://127.0.0.1:$web/api/v1/alarm_log" | tr -d '\n\t' | grep -o '^\[{[^}]*}' | grep -oE '"(status|old_status|exec_code)": "?[A-Z0-9]+' | tr -d '"' | tr '\n' ' ')
notify "clear_alarm_always='YES'"
over_restart() { # over_restart NAME=VALUE: critical, then a restart with that environment, then fine
  feed 70 15 CRITICAL
  stop
  export "$1"
  start
  feed 5 15 CLEAR
  sleep 2
}
over_restart unrelated=YES
infile=$(said)
over_restart clear_alarm_always=YES
inenv=$(said)

echo "$(unpacked/usr/sbin/netdata -V 2> /dev/null)"
echo "running: $running"
echo "before the restart: $before; after it: ${across:-nothing}; health log: $log"
echo "the option in the file: $infile"
echo "the option in the environment: $inenv"
failed=
expect() { [ "$2" = "$3" ] || failed="$failed; $1 (now: $2)"; }
expect 'both are sent while it runs' "$running" 'critical recovered'
expect 'critical is sent before the restart' "$before" critical
expect 'nothing is sent after the restart' "$across" ''
expect 'the health log has the recovery, from UNINITIALIZED, given to the notifier' "$log" 'exec_code: 1 status: CLEAR old_status: UNINITIALIZED '
expect 'the option in the file changes nothing' "$infile" critical
expect 'the option in the environment works' "$inenv" 'critical recovered'
if [ -n "$failed" ]; then echo "CHANGED: no longer true: ${failed#; }"; exit 1; fi
echo 'as described'
