#!/bin/bash
# Monit's event queue delivers a failure after its recovery, in a document that says "no failure".
#
# Run:      Monit 1:5.33.0-1 (Debian 12), `set mmonit http://…/collector` with `set eventqueue`: its
#           built-in way to POST each event as XML. The receiver on 127.0.0.1 is down (503) when a
#           file grows too big, and is back within the very cycle in which the file is small again.
# Guess:    A queue gives back what it took, oldest first: the document of the failure as it was
#           written then, and after it the recovery.
# Seen:     Only the event is queued, and a new event does not queue up behind it: it is posted by
#           itself in the middle of the cycle, while the queue is tried at the start of each cycle.
#           So the recovery (state 0) is accepted first and the failure (state 1) comes a cycle
#           later, as the last word. The document around it is made new at each try: its <service>
#           part has today's status 0 and today's size, beside an event that says "failed".
#           Nothing marks the event as late but its collected_sec, older than the service's and
#           older than the recovery's.
# Output:   refused  state 1 status 16 size 14   (the failure)
#           refused  state 1 status 16 size 14   (the same, from the queue)
#           accepted state 0 status 0 size 2     (the recovery)
#           accepted state 1 status 0 size 2     (the failure again, collected 3 s before it)
# Matters:  Whoever opens on state 1 and closes on state 0 as they come is left with an incident that
#           nothing will ever close, and may start a repair of what is well. Order a service's
#           events by collected_sec and drop what is older than the last one applied; take <status>
#           in the same document as the present state. Each cycle posts a document without any
#           event too: that is a heartbeat, not news.
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
get='cd deb && apt-get download -q monit=1:5.33.0-1'
(eval "$get") > apt.log 2>&1 || { apt-get update -q > /dev/null 2>&1 || true; (eval "$get") > apt.log 2>&1; } || { cat apt.log; exit 1; }
dpkg-deb -x deb/monit_*.deb root

cat > receiver.mjs <<'E'
import fs from 'node:fs';
import http from 'node:http';
let ready = true;
let refusals = 0;
const server = http.createServer((request, response) => {
  let body = '';
  request.setEncoding('latin1').on('data', (part) => { body += part; }).on('end', () => {
    const tag = (text, name) => text.match(new RegExp(`<${name}>([^<]*)`))?.[1];
    const service = body.match(/<service name="watched">.*?<\/service>/s)?.[0] ?? '';
    const event = body.match(/<event>.*?<\/event>/s)?.[0];
    const ours = event !== undefined && tag(event, 'service') === 'watched';
    if (ours && tag(event, 'state') === '1' && refusals === 0) ready = false;
    const accepted = ready;
    if (ours && !accepted) {
      refusals += 1;
      // The second refusal is the queue's try, at the start of a cycle. The file is put right before
      // it is answered, so that the checks of this cycle find it so and the receiver is back by then.
      if (refusals === 2) {
        fs.writeFileSync('watched', 'a\n');
        ready = true;
      }
    }
    if (ours) {
      fs.appendFileSync('seen', `${accepted ? 'accepted' : 'refused '} state ${tag(event, 'state')} status ${tag(service, 'status')} size ${tag(service, 'size')} event ${tag(event, 'collected_sec')} service ${tag(service, 'collected_sec')}\n`);
    }
    response.writeHead(accepted ? 200 : 503).end();
  });
});
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)));
setTimeout(() => process.exit(0), 90_000);
E
printf 'a\n' > watched
: > seen
node receiver.mjs &
PIDS="$!"
for _ in $(seq 50); do [ -s port ] && break; sleep 0.1; done
cat > monitrc <<E
set daemon 3
set log $T/log
set pidfile $T/pid
set idfile $T/id
set statefile $T/state
set eventqueue basedir $T/queue slots 10
set mmonit http://127.0.0.1:$(cat port)/collector with timeout 3 seconds
check file watched path $T/watched
  if size > 5 B then alert
E
chmod 600 monitrc
root/usr/bin/monit -I -c monitrc > monit.out 2>&1 &
PIDS="$PIDS $!"
sleep 5
printf 'aaaaaaaaaaaaa\n' > watched
for _ in $(seq 60); do [ "$(grep -c '^accepted' seen)" -ge 2 ] && break; sleep 0.5; done
sleep 4
echo "$(root/usr/bin/monit -V | head -n 1), events of the file in the order in which they came:"
cat seen
node - <<'E'
const lines = require('node:fs').readFileSync('seen', 'utf8').trim().split('\n');
const rows = lines.map((line) => line.split(/ +/)).map((w) => ({ ok: w[0] === 'accepted', state: w[2], status: w[4], size: w[6], event: Number(w[8]), service: Number(w[10]) }));
const accepted = rows.filter((row) => row.ok);
const [recovery, late] = accepted;
const failed = [];
const expect = (what, holds) => { if (!holds) failed.push(what); };
expect('the failure is refused first with its own status', rows[0]?.ok === false && rows[0].state === '1' && rows[0].status === '16');
expect('two events are accepted', accepted.length === 2);
expect('the recovery comes first', recovery?.state === '0');
expect('the older failure comes last', late?.state === '1' && late.event < recovery.event);
expect('the document around it is of today', late?.status === '0' && late.size === '2' && late.service > late.event);
if (failed.length > 0) { console.log(`CHANGED: no longer true: ${failed.join('; ')}`); process.exit(1); }
console.log('as described');
E
