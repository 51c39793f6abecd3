#!/bin/bash
# The JavaScript SDK of CloudEvents calls a refused event delivered, and its binary mode is not the binary mode of the HTTP binding.
#
# Run:      cloudevents 10.0.0 (npm): emitterFor(httpTransport(url)) posts valid events to a server on 127.0.0.1 that answers each
#           with 422 and a body. Then its own HTTP.toEvent reads a binary event whose subject is percent-encoded as the HTTP protocol
#           binding 1.0 says (section 3.1.3.2).
# Guess:    The emitter rejects, or tells the status, when the receiver refuses. In binary mode a subject is percent-encoded outside
#           of printable ASCII, and a percent sign, a quote or a blank in it as well; its receiver decodes that. An event without data
#           is sent with an empty body.
# Seen:     The emitter resolves with the body and the headers of the answer, and no status: what was refused for good looks like what
#           was taken. A blank and a percent sign go out as they are, an umlaut as one byte of Latin-1. A subject in Japanese cannot
#           be sent at all in binary mode (it rejects with an error of node:http), and neither can an event without data; both can in
#           structured mode. Its own receiver leaves percent-encoded attributes encoded.
# Output:   binary, answered 422: { resolved: 'body,headers' }
#           subject with blanks and a percent sign goes out as: disk 50% full
#           subject with an umlaut goes out as the bytes: 5afc72696368
#           subject in Japanese, binary: { rejected: 'Invalid character in header content ["ce-subject"]' }
#           no data, binary: { rejected: 'The "chunk" argument must be of type string or …' }
#           received, sent as Z%C3%BCrich: Z%C3%BCrich
# Matters:  A receiver that decodes strictly refuses "50% full", and one that reads headers as UTF-8 loses the umlaut: take a percent
#           sign that begins no encoding as itself, and bytes that are no UTF-8 as Latin-1. A sender that counts on the emitter never
#           repeats what was refused: look at nothing less than a status, by a transport of your own.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
npm init -y > npm.log 2>&1
npm install --no-audit --no-fund cloudevents@10.0.0 >> npm.log 2>&1 || { cat npm.log; exit 1; }
cat > try.mjs <<'E'
import net from 'node:net';
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from 'cloudevents';
// The bytes of the last request, since node:http would already have read them as something.
let raw = Buffer.alloc(0);
const server = net.createServer(socket => {
  socket.on('data', part => {
    raw = Buffer.concat([raw, part]);
    if (raw.includes('\r\n\r\n')) socket.end('HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 14\r\nconnection: close\r\n\r\n{"error":"no"}');
  }).on('error', () => {});
});
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;
const send = async (mode, more) => {
  raw = Buffer.alloc(0);
  const event = new CloudEvent({ id: '1', source: '/here', type: 'com.example.x', ...more });
  try {
    return { resolved: Object.keys(await emitterFor(httpTransport(url), { mode })(event)).sort().join() };
  } catch (error) {
    return { rejected: error.message };
  }
};
const header = name => {
  const line = raw.toString('latin1').split('\r\n').find(one => one.toLowerCase().startsWith(`${name}: `));
  return line === undefined ? null : line.slice(name.length + 2);
};
const failed = [];
const expect = (what, holds) => { if (!holds) failed.push(what); };
const data = { data: 'x', datacontenttype: 'text/plain' };

const refused = await send(Mode.BINARY, data);
console.log('binary, answered 422:', refused);
expect('a refused event resolves without a status', refused.resolved === 'body,headers');
const structured = await send(Mode.STRUCTURED, data);
expect('so it does in structured mode', structured.resolved === 'body,headers');

await send(Mode.BINARY, { ...data, subject: 'disk 50% full' });
console.log('subject with blanks and a percent sign goes out as:', header('ce-subject'));
expect('a percent sign and a blank go out as they are', header('ce-subject') === 'disk 50% full');
await send(Mode.BINARY, { ...data, subject: 'Z\u00fcrich' });
const bytes = Buffer.from(header('ce-subject') ?? '', 'latin1').toString('hex');
console.log('subject with an umlaut goes out as the bytes:', bytes);
expect('an umlaut is one byte of Latin-1', bytes === '5afc72696368');
const japanese = await send(Mode.BINARY, { ...data, subject: '\u6771\u4eac' });
console.log('subject in Japanese, binary:', japanese);
expect('a subject in Japanese cannot be sent in binary mode', /Invalid character in header/.test(japanese.rejected ?? ''));
const japaneseStructured = await send(Mode.STRUCTURED, { ...data, subject: '\u6771\u4eac' });
expect('it can in structured mode', japaneseStructured.resolved === 'body,headers');
const without = await send(Mode.BINARY, {});
console.log('no data, binary:', without);
expect('an event without data cannot be sent in binary mode', /chunk/.test(without.rejected ?? ''));
expect('it can in structured mode', (await send(Mode.STRUCTURED, {})).resolved === 'body,headers');

const received = HTTP.toEvent({
  headers: { 'ce-id': '1', 'ce-source': '/here', 'ce-type': 't', 'ce-specversion': '1.0', 'ce-subject': 'Z%C3%BCrich' },
  body: '',
});
console.log('received, sent as Z%C3%BCrich:', received.subject);
expect('its receiver decodes nothing', received.subject === 'Z%C3%BCrich');
if (failed.length > 0) { console.log(`CHANGED: no longer true: ${failed.join('; ')}`); process.exit(1); }
console.log('as described');
process.exit(0);
E
timeout 60 node try.mjs
