#!/bin/bash
# Slack's Socket Mode client hangs up first and waits five seconds before it dials again.
#
# Run:      @slack/socket-mode 3.1.0 (npm), plain SocketModeClient with default options, on Node 20
#           or later, against a double of Slack on 127.0.0.1: apps.connections.open over HTTP and a
#           WebSocket server (ws 8.23.0) that says hello, delivers button presses and then, as Slack
#           does to recycle a link, sends {"type":"disconnect","reason":"warning"} or "refresh_requested".
# Guess:    A refresh is routine and is announced, so the client gets a new link before it lets the
#           old one go, or at least at once. An ack that a handler gives a second later goes out over
#           whichever link is there.
# Seen:     The client itself closes the only link within milliseconds of the notice, of a mere
#           "warning" too, and does nothing at all for 5 s: no apps.connections.open, no link. The
#           pause is clientPingTimeout, documented only as the wait for a pong: with 1000 the pause
#           is 1 s. An ack given within the pause is not kept: it rejects with
#           slack_socket_mode_send_while_not_ready_error and never gets to the server, on no link.
#           An ack that is given after the pause goes out over the NEW link.
# Output:   default options, "warning":          closed after 19 ms, next open after 5030 ms
#           clientPingTimeout 1000, "refresh_requested": closed after 5 ms, next open after 1009 ms
#           ack 1 s after the notice:            rejected, slack_socket_mode_send_while_not_ready_error
#           ack after the new link:              sent on link 2
# Matters:  An approve button has 3 s. Every refresh opens a hole of more than 3 s in which a press
#           finds no app, unless another connection is open. So: run two clients (Slack gives each
#           payload to one of them), or lower clientPingTimeout knowing that it is also the pong
#           limit; ack first and work later; catch what ack() rejects with; and treat a failed ack as
#           "the same press may come again", not as "nobody pressed".
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
echo '{"private":true}' > package.json
npm install --no-audit --no-fund --loglevel=error --save-exact @slack/socket-mode@3.1.0 ws@8.23.0 > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > run.mjs <<'E'
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { SocketModeClient } from '@slack/socket-mode';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
setTimeout(() => { console.log('FAILED: no end within 60 s'); process.exit(1); }, 60_000);

async function observe(reason, options, ackDelays, length) {
  const opens = [];
  const links = [];
  const frames = [];
  const closed = [];
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      opens.push(Date.now());
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ok: true, url: `ws://127.0.0.1:${server.address().port}/` }));
    });
  });
  const wss = new WebSocketServer({ server });
  wss.on('connection', (link) => {
    const number = links.push(link);
    link.on('message', (text) => frames.push({ number, id: JSON.parse(text).envelope_id }));
    link.on('close', () => { closed[number] = Date.now(); });
    link.send('{"type":"hello"}');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));

  const quiet = () => {};
  const client = new SocketModeClient({
    appToken: 'xapp-double',
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet, setLevel: quiet, setName: quiet, getLevel: () => 'error' },
    clientOptions: { slackApiUrl: `http://127.0.0.1:${server.address().port}/api/` },
    ...options,
  });
  const acks = {};
  client.on('interactive', async ({ ack, envelope_id: id }) => {
    await sleep(ackDelays[id]);
    acks[id] = await ack().then(() => 'resolved', (error) => `rejected ${error.code}`);
  });
  await client.start();
  for (const id of Object.keys(ackDelays)) {
    links[0].send(JSON.stringify({ type: 'interactive', envelope_id: id, payload: { type: 'block_actions' } }));
  }
  await sleep(200);
  const notice = Date.now();
  links[0].send(JSON.stringify({ type: 'disconnect', reason }));
  await sleep(length);
  await Promise.race([client.disconnect(), sleep(2000)]);
  wss.close();
  server.close();
  return { closedAfter: closed[1] - notice, openAfter: opens[1] - notice, acks, frames };
}

const failed = [];
const expect = (what, holds) => { if (!holds) failed.push(what); };

const first = await observe('warning', {}, { soon: 100, gap: 1200, later: 6500 }, 7500);
console.log(`default options, "warning": closed after ${first.closedAfter} ms, next open after ${first.openAfter} ms`);
console.log(`acks: ${JSON.stringify(first.acks)}, frames at the server: ${JSON.stringify(first.frames)}`);
const second = await observe('refresh_requested', { clientPingTimeout: 1000 }, {}, 3000);
console.log(`clientPingTimeout 1000, "refresh_requested": closed after ${second.closedAfter} ms, next open after ${second.openAfter} ms`);

const linkOf = (id) => first.frames.filter((frame) => frame.id === id).map((frame) => frame.number).join();
expect('the client closes its only link at once', first.closedAfter < 1000 && second.closedAfter < 1000);
expect('it waits about 5 s before it asks for a new one', first.openAfter > 4500 && first.openAfter < 7000);
expect('the wait is clientPingTimeout', second.openAfter > 800 && second.openAfter < 2500);
expect('an ack before the notice goes out', first.acks.soon === 'resolved' && linkOf('soon') === '1');
expect('an ack within the pause is rejected and never sent',
  first.acks.gap === 'rejected slack_socket_mode_send_while_not_ready_error' && linkOf('gap') === '');
expect('an ack after the pause goes over the new link', first.acks.later === 'resolved' && linkOf('later') === '2');
if (failed.length > 0) {
  console.log(`CHANGED: no longer true: ${failed.join('; ')}`);
  process.exit(1);
}
console.log('as described');
process.exit(0);
E
node run.mjs
