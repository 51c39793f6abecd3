#!/bin/bash
# Prometheus drops what fires within 5 s of a start or a reload, and takes it for sent.
#
# Run:      Prometheus 2.42.0+ds-5+deb12u1 with default options and one static Alertmanager
#           (0.25.0-1+b4, both Debian 12; group_wait 0s) that is up all the time, rules evaluated each
#           second. One alert is true from the start; two begin within 3 s after a reload of an
#           unchanged configuration, one stays and one ends after 20 s; a control begins at a quiet time.
# Guess:    The address of Alertmanager stands in the file, and the queue of notifications is there to
#           bridge a gap: alerts wait in it for a moment, or are tried again at the next evaluation.
#           A reload that changes nothing changes nothing.
# Seen:     A start and each reload empty the list of Alertmanagers, and it is filled by a 5 s tick.
#           What fires in between is taken off the queue and dropped without a line in the log; only
#           prometheus_notifications_dropped_total counts it. The rule takes it for sent all the same,
#           so the next try is one --rules.alert.resend-delay (1 minute) later, although Alertmanager
#           is known again after seconds. An alert that ends earlier is never told: Prometheus sends
#           its end and nothing else, and Alertmanager notifies nobody of an end without a beginning.
#           Prometheus' issue 13064 has the reload; its repair came in 2024, after this version, and
#           is not run here. --enable-feature=new-service-discovery-manager, named there, is no cure.
# Output:   Alertmanagers known: 1 before the reload, 0 after it, 1 again 5 s later; dropped 3; no log line
#           control:   told 0 s after startsAt
#           at start:  told 61 s after startsAt
#           stays:     told 61 s after startsAt, while /api/v1/alerts says firing all along
#           ends:      sent once it has ended (20 s after startsAt), told never
# Matters:  Rules and targets are rolled out by reloads, and what a roll-out breaks fires right then:
#           this is the alert that comes a minute late or never. A delivery's time is not the alert's:
#           take its age from startsAt. Silence is no proof that nothing fired: ask /api/v1/alerts,
#           alert on increases of prometheus_notifications_dropped_total, and set a shorter
#           --rules.alert.resend-delay where a minute matters.
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
get='cd deb && apt-get download -q prometheus=2.42.0+ds-5+deb12u1 prometheus-alertmanager=0.25.0-1+b4'
(eval "$get") > apt.log 2>&1 || { apt-get update -q > /dev/null 2>&1 || true; (eval "$get") > apt.log 2>&1; } || { cat apt.log; exit 1; }
for deb in deb/*.deb; do dpkg-deb -x "$deb" root; done

# The recorder is a second Alertmanager to Prometheus (path /api/v2/alerts), to see what is sent, and
# the webhook of the real one (path /hook), to see what is told.
cat > recorder.mjs <<'E'
import fs from 'node:fs';
import http from 'node:http';
const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; }).on('end', () => {
    const now = Date.now() / 1000;
    const hook = request.url === '/hook';
    const alerts = hook ? JSON.parse(body).alerts : JSON.parse(body);
    for (const { labels, startsAt, endsAt, status } of alerts) {
      const ended = hook ? status === 'resolved' : Date.parse(endsAt) / 1000 <= now;
      const after = Math.round(now - Date.parse(startsAt) / 1000);
      fs.appendFileSync('seen', `${labels.alertname} ${hook ? 'told' : 'sent'} ${ended ? 'ended' : 'firing'} ${after}\n`);
    }
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)));
setTimeout(() => process.exit(0), 180_000);
E
: > seen
node recorder.mjs &
PIDS=$!
for _ in $(seq 50); do [ -s port ] && break; sleep 0.1; done
freeport() { node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
manager=$(freeport)
cat > alertmanager.yml <<E
route: { receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s }
receivers: [{ name: hook, webhook_configs: [{ url: "http://127.0.0.1:$(cat port)/hook" }] }]
E
root/usr/bin/prometheus-alertmanager --config.file=alertmanager.yml --storage.path="$T/manager" \
  --web.listen-address="127.0.0.1:$manager" --cluster.listen-address= > manager.log 2>&1 &
PIDS="$PIDS $!"
up=no
for _ in $(seq 100); do
  if curl -sf -m 2 "http://127.0.0.1:$manager/-/ready" > /dev/null; then up=yes; break; fi
  sleep 0.2
done
[ $up = yes ] || { cat manager.log; echo 'FAILED: Alertmanager did not start'; exit 1; }

web=$(freeport)
cat > prometheus.yml <<E
global: { evaluation_interval: 1s }
rule_files: [rules.yml]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["127.0.0.1:$manager", "127.0.0.1:$(cat port)"] }] }] }
E
rules() { # rules RULE...: writes the rule file, a group for each
  echo 'groups:' > rules.yml
  for rule; do echo "- { name: '${rule%%:*}', rules: [{ alert: '${rule%%:*}', expr: '${rule#*:}' }] }" >> rules.yml; done
}
rules 'at_start:vector(1)'
root/usr/bin/prometheus --config.file=prometheus.yml --storage.tsdb.path="$T/data" --web.enable-lifecycle \
  --web.listen-address="127.0.0.1:$web" --web.console.libraries="$T" --web.console.templates="$T" > prometheus.log 2>&1 &
PIDS="$PIDS $!"
get() { curl -sf -m 5 "http://127.0.0.1:$web/$1"; }
reload() { curl -sf -m 5 -X POST "http://127.0.0.1:$web/-/reload"; }
known() { get api/v1/alertmanagers | sed 's/"dropped.*//' | grep -o "127.0.0.1:$manager/" | wc -l; }
up=no
for _ in $(seq 150); do
  if [ "$(known)" = 1 ]; then up=yes; break; fi
  sleep 0.1
done
[ $up = yes ] || { cat prometheus.log; echo 'FAILED: Prometheus did not find Alertmanager'; exit 1; }

# This is a tick, to a fraction of a second, and there is one every 5 s from now on. The rules are
# loaded now, and the reload in question is 0.7 s after the third tick from here.
tick=$(date +%s%N)
until_after() { # until_after MILLISECONDS: sleeps until so long after the tick
  left=$((tick / 1000000 + $1 - $(date +%s%N) / 1000000))
  [ "$left" -le 0 ] || sleep "$((left / 1000)).$(printf %03d $((left % 1000)))"
}
base=$(((tick + 999999999) / 1000000000))
begin=$((base + 16))
rules 'at_start:vector(1)' "control:vector(time()) >= $((base + 9))" \
  "stays:vector(time()) >= $begin" "ends:vector(time()) >= $begin < $((begin + 20))"
reload
until_after 15700
before=$(known)
reload
after=$(known)
until_after 21500
again=$(known)
firing=$(get api/v1/alerts | grep -o '"alertname":"stays"},"annotations":{},"state":"firing"' | wc -l)
for _ in $(seq 160); do
  if grep -q '^stays told' seen && grep -q '^at_start told' seen; then break; fi
  sleep 0.5
done
sleep 2
dropped=$(get metrics | sed -n 's/^prometheus_notifications_dropped_total //p')
lines=$(grep -ciE 'drop|notif.*(err|warn)|level=(error|warn)' prometheus.log || true)

first() { grep "^$1 $2 " seen | head -n 1 | cut -d' ' -f3-; }
root/usr/bin/prometheus --version 2>&1 | head -n 1
root/usr/bin/prometheus-alertmanager --version 2>&1 | head -n 1
echo "Alertmanagers known before the reload: $before, after it: $after, 5 s later: $again"
echo "dropped: $dropped, lines in the log about it: $lines"
for name in control at_start stays ends; do
  sent=$(first $name sent)
  told=$(first $name told)
  echo "$name: first sent ${sent:-never}, first told ${told:-never} (state and seconds after startsAt)"
done
failed=
expect() { [ "$2" = "$3" ] || failed="$failed; $1 (now: $2)"; }
within() { # within VALUE STATE LOW HIGH: says yes when it is that state after so many seconds
  seconds=${1#* }
  if [ "${1% *}" = "$2" ] && [ "$seconds" -ge "$3" ] && [ "$seconds" -le "$4" ]; then echo yes; else echo "${1:-never}"; fi
}
expect 'a reload empties the list of Alertmanagers for seconds' "$before $after $again" '1 0 1'
expect 'three alerts are dropped' "$dropped" 3
expect 'no line in the log says so' "$lines" 0
expect 'at a quiet time an alert is told at once' "$(within "$(first control told)" firing 0 5)" yes
expect 'the alert of the start is told a minute late' "$(within "$(first at_start told)" firing 55 70)" yes
expect 'the alert of the reload is told a minute late' "$(within "$(first stays told)" firing 55 70)" yes
expect 'Prometheus says that it fires meanwhile' "$firing" 1
expect 'of the short alert only the end is sent' "$(within "$(first ends sent)" ended 18 30)" yes
expect 'the short alert is never told' "$(first ends told)" ''
if [ -n "$failed" ]; then echo "CHANGED: no longer true: ${failed#; }"; exit 1; fi
echo 'as described'
