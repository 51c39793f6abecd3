#!/bin/bash
# Alertmanager resolves what still fires, and then sends the first body again, byte for byte.
#
# Run:      Prometheus 2.42.0+ds-5+deb12u1 and Alertmanager 0.25.0-1+b4 (both Debian 12) with a webhook,
#           all on 127.0.0.1. One alert fires for 45 s without a break. The way between the two is cut
#           for as long as an alert lives without news: 4 x --rules.alert.resend-delay, 4 minutes by
#           default and 8 s here. Then the way is open again, and later the alert ends.
# Guess:    Fingerprint and startsAt name one incident, and resolved is the last word on it: if it comes
#           back, it has a new startsAt. A delivery whose body came before is a repeat or a retry. An
#           alert that ran out is marked as such, or has at least another shape than one that ended.
# Seen:     Four deliveries: firing, resolved, firing, resolved, all with one fingerprint and one
#           startsAt. The second firing has the very bytes of the first. The false end has the same
#           fields as the true one. Only its endsAt gives it away: it is, to the millisecond, the endsAt
#           that GET /api/v2/alerts showed while the alert fired; a true end is earlier than that.
#           Prometheus says firing, with one activeAt, before, during and after the cut.
# Output:   firing   startsAt …19:06.632
#           resolved startsAt …19:06.632 endsAt …19:20.632 (as promised: 0 ms)
#           firing   startsAt …19:06.632 (the 3rd body is the 1st: true)
#           resolved startsAt …19:06.632 endsAt …19:50.632 (6000 ms before the promised one)
# Matters:  A receiver that drops repeats by their body, or by fingerprint, startsAt and status, takes
#           the false end for true and is deaf to what follows: the incident stays closed while it
#           burns. Forget what was seen when an alert ends. Before a repair counts as a success, ask
#           Prometheus, or compare endsAt with the one that the API promised.
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
freeport() { node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
manager=$(freeport)
web=$(freeport)

# The way: what Prometheus posts goes on to Alertmanager, unless there is a file named cut. /hook is
# the webhook: a line for each delivery, the body as it came.
cat > way.mjs <<'E'
import fs from 'node:fs';
import http from 'node:http';
const manager = Number(process.argv[2]);
const server = http.createServer((request, response) => {
  if (request.url === '/hook') {
    let body = '';
    request.on('data', (part) => { body += part; }).on('end', () => {
      fs.appendFileSync('told', `${body.trim()}\n`);
      response.end();
    });
    return;
  }
  if (fs.existsSync('cut')) { request.socket.destroy(); return; }
  const { method, url: path, headers } = request;
  const onward = http.request({ host: '127.0.0.1', port: manager, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
});
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)));
setTimeout(() => process.exit(0), 150_000);
E
: > told
node way.mjs "$manager" &
PIDS=$!
for _ in $(seq 50); do [ -s port ] && break; sleep 0.1; done
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
cat > prometheus.yml <<E
global: { evaluation_interval: 1s }
rule_files: [rules.yml]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["127.0.0.1:$(cat port)"] }] }] }
E
end=$(($(date +%s) + 45))
echo "groups: [{ name: g, rules: [{ alert: full, expr: 'vector(time()) < $end' }] }]" > rules.yml
root/usr/bin/prometheus --config.file=prometheus.yml --storage.tsdb.path="$T/data" --rules.alert.resend-delay=2s \
  --web.listen-address="127.0.0.1:$web" --web.console.libraries="$T" --web.console.templates="$T" > prometheus.log 2>&1 &
PIDS="$PIDS $!"

# deliveries COUNT: waits until so many have come, at most 40 s.
deliveries() {
  for _ in $(seq 200); do
    [ "$(wc -l < told)" -ge "$1" ] && return
    sleep 0.2
  done
  cat told prometheus.log
  echo "FAILED: delivery $1 did not come"
  exit 1
}
promises() { curl -sf -m 5 "http://127.0.0.1:$manager/api/v2/alerts" > "$1"; }
states() { curl -sf -m 5 "http://127.0.0.1:$web/api/v1/alerts" | grep -o '"state":"[a-z]*","activeAt":"[^"]*"' >> states; }
deliveries 1
states
touch cut
sleep 0.5
promises before-expiry
deliveries 2
states
rm cut
deliveries 3
states
while [ "$(date +%s)" -lt $((end - 1)) ]; do sleep 0.2; done
promises before-end
deliveries 4
root/usr/bin/prometheus --version 2>&1 | head -n 1
root/usr/bin/prometheus-alertmanager --version 2>&1 | head -n 1
cat > judge.mjs <<'E'
import fs from 'node:fs';
const read = (file) => fs.readFileSync(file, 'utf8').trim();
const bodies = read('told').split('\n');
const alerts = bodies.map((body) => JSON.parse(body).alerts[0]);
const states = read('states').split('\n');
const promised = (file) => Date.parse(JSON.parse(read(file))[0].endsAt);
const [first, expiry, again, end] = alerts;
for (const { status, startsAt, endsAt, fingerprint } of alerts) console.log(`${status} startsAt ${startsAt} endsAt ${endsAt} fingerprint ${fingerprint}`);
console.log(`Prometheus: ${states.join(' ')}`);
console.log(`the body of the 3rd delivery is that of the 1st: ${bodies[2] === bodies[0]}`);
const offsets = [Date.parse(expiry.endsAt) - promised('before-expiry'), Date.parse(end.endsAt) - promised('before-end')];
console.log(`endsAt told, against the endsAt that the API showed while it fired: ${offsets.join(' ms, ')} ms`);
const failed = [];
const expect = (what, holds) => { if (!holds) failed.push(what); };
expect('firing, resolved, firing, resolved is told', alerts.map(({ status }) => status).join() === 'firing,resolved,firing,resolved');
expect('Prometheus has one alert that fires all along', states.length === 3 && new Set(states).size === 1 && states[0].startsWith('"state":"firing"'));
expect('all four have one startsAt and one fingerprint', new Set(alerts.map((alert) => alert.startsAt + alert.fingerprint)).size === 1);
expect('the second firing is the first again', bodies[2] === bodies[0]);
expect('the false end has the same fields as the true one', Object.keys(expiry).join() === Object.keys(end).join());
expect('the false end is at the promised endsAt', offsets[0] === 0);
expect('the true end is before the promised endsAt', offsets[1] < -1000);
if (failed.length > 0) { console.log(`CHANGED: no longer true: ${failed.join('; ')}`); process.exit(1); }
console.log('as described');
E
node judge.mjs
