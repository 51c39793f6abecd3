#!/bin/bash
# Icinga answers 409 to an action that it did carry out, and 500 to one that had nothing to do.
#
# Run:      Icinga 2.13.6-2+deb12u2 (Debian 12), its REST API on 127.0.0.1, one host with three
#           services and no active checks: POST /v1/actions/acknowledge-problem with a filter.
# Guess:    200 (or 207) when something was acknowledged, 404 when the filter fits nothing (as it is
#           when one asks by name); 4xx means that nothing was changed and 5xx is worth a retry.
# Seen:     One refusal among the objects makes the whole answer that refusal: two services ARE
#           acknowledged, the third is OK already, and the status is 409. The same request a second
#           time, when all three are refused, is 409 too: the status cannot tell the two apart. A
#           right filter that fits nothing is HTTP 500, with {"results":[]} and no error text. Only
#           the `code` of each member of `results` tells what was done.
# Output:   filter, two bad and one OK:    409 with codes 200 200 409; acknowledged 0 before, 2 after
#           the same again:                409 with codes 409 409 409
#           filter, fits nothing:          500 {"results":[]}
#           name, not there:               404 No objects found.
# Matters:  Between an alert and the click on "acknowledge" a service recovers or is taken out of the
#           configuration: both are everyday. A step that reports 409 as "not acknowledged" tells the
#           channel the opposite of what happened (and a repair of it repeats what was done); one
#           that retries on 5xx calls for ever for an object that is gone. Read each `code`, whatever
#           the status; take an empty `results` as "gone".
set -eu
T=$(mktemp -d)
PID=
finish() {
  if [ -n "$PID" ]; then kill "$PID" 2> /dev/null || true; wait "$PID" 2> /dev/null || true; fi
  rm -rf "$T"
}
trap finish EXIT
chmod 755 "$T"
cd "$T"
mkdir -m 777 deb
v=2.13.6-2+deb12u2
get="cd deb && apt-get download -q icinga2-bin=$v libboost-context1.74.0 libboost-coroutine1.74.0 libboost-filesystem1.74.0 libboost-iostreams1.74.0 libboost-program-options1.74.0 libboost-regex1.74.0 libboost-thread1.74.0 libicu72 libedit2 libbsd0 libmd0"
(eval "$get") > apt.log 2>&1 || { apt-get update -q > /dev/null 2>&1 || true; (eval "$get") > apt.log 2>&1; } || { cat apt.log; exit 1; }
for deb in deb/*.deb; do dpkg-deb -x "$deb" root; done
lib=$(dirname "$(ls -d root/usr/lib/*/icinga2)")
export LD_LIBRARY_PATH="$T/$lib"

port=$(node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
mkdir -p etc data/certs log cache run spool
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=peer -keyout data/certs/peer.key -out data/certs/peer.crt 2> /dev/null
cp data/certs/peer.crt data/certs/ca.crt
cat > etc/icinga2.conf <<E
const NodeName = "peer"
object Endpoint NodeName { }
object Zone "z" { endpoints = [ NodeName ] }
object ApiListener "api" { bind_host = "127.0.0.1"; bind_port = $port }
object ApiUser "u" { password = "p"; permissions = [ "*" ] }
object CheckCommand "none" { command = [ "/bin/true" ] }
template Service "t" { check_command = "none"; enable_active_checks = false; max_check_attempts = 1 }
object Host "h" { check_command = "none"; enable_active_checks = false }
object Service "a" { import "t"; host_name = "h" }
object Service "b" { import "t"; host_name = "h" }
object Service "c" { import "t"; host_name = "h" }
E
set --
for pair in ConfigDir=$T/etc DataDir=$T/data LogDir=$T/log CacheDir=$T/cache InitRunDir=$T/run SpoolDir=$T/spool \
  PidPath=$T/run/pid StatePath=$T/data/state VarsPath=$T/cache/vars ObjectsPath=$T/cache/objects \
  ModAttrPath=$T/data/modified.conf "RunAsUser=$(id -un)" "RunAsGroup=$(id -gn)"; do
  set -- "$@" -D "Configuration.$pair"
done
"$T/$lib/icinga2/sbin/icinga2" daemon "$@" -c etc/icinga2.conf > icinga.out 2>&1 &
PID=$!
api() { # api METHOD PATH BODY: prints the status, a space and the body
  curl -sk -m 10 -u u:p -H 'Accept: application/json' -H "X-HTTP-Method-Override: $1" -o body -w '%{http_code} ' "https://127.0.0.1:$port/v1/$2" -d "$3"
  cat body
}
up=no
for _ in $(seq 60); do
  if api GET status '{}' 2> /dev/null | grep -q '^200'; then up=yes; break; fi
  sleep 0.5
done
[ $up = yes ] || { cat icinga.out; echo 'FAILED: Icinga did not start'; exit 1; }

result() { api POST actions/process-check-result "{\"type\":\"Service\",\"filter\":\"service.name==\\\"$1\\\"\",\"exit_status\":$2,\"plugin_output\":\"x\"}" > /dev/null; }
result a 2
result b 2
result c 0
ack() { api POST actions/acknowledge-problem "{\"type\":\"Service\",\"author\":\"al\",\"comment\":\"seen\",$1}"; }
codes() { grep -o '"code":[0-9]*' | cut -d: -f2 | sort -n | tr '\n' ' ' | sed 's/ $//'; }
acknowledged() { api GET objects/services '{"attrs":["acknowledgement"]}' | grep -o '"acknowledgement":1' | wc -l; }

nothing=$(ack '"filter":"service.name==\"gone\""')
name=$(ack '"service":"h!gone"')
before=$(acknowledged)
mixed=$(ack '"filter":"host.name==\"h\""')
after=$(acknowledged)
again=$(ack '"filter":"host.name==\"h\""')

echo "$("$T/$lib/icinga2/sbin/icinga2" --version | head -n 1)"
echo "filter, fits nothing: $nothing"
echo "name, not there: $name"
echo "filter, two bad and one OK: $mixed"
echo "acknowledged before: $before, after: $after"
echo "the same again: $again"

failed=
expect() { [ "$2" = "$3" ] || failed="$failed; $1 (now: $2)"; }
expect 'a filter that fits nothing is 500 with empty results' "$nothing" '500 {"results":[]}'
expect 'a name that is not there is 404' "${name%% *}" 404
expect 'one refusal makes the whole answer 409' "${mixed%% *} $(echo "$mixed" | codes)" '409 200 200 409'
expect 'two are acknowledged all the same' "$before $after" '0 2'
expect 'all refused is 409 too' "${again%% *} $(echo "$again" | codes)" '409 409 409 409'
if [ -n "$failed" ]; then echo "CHANGED: no longer true: ${failed#; }"; exit 1; fi
echo 'as described'
