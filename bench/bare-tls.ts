/** The baseline of `gates`: Node's own TLS server, which reads the body and gives one fixed answer. Prints its port. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const folder = process.argv[2] ?? '.';
const answer = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u","allowed":true}}';
const [cert, key] = ['tls.crt', 'tls.key'].map(name => readFileSync(join(folder, name)));
const server = createServer({ ...(cert && key ? { cert, key } : {}) }, (request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
