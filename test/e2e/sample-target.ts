/**
 * A sample service for end-to-end tests: `sample-target.ts <port> <file>`. It answers /metrics while the file is there and refuses
 * connections while it is not, so that a runbook can bring it back and a test can take it down.
 */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';

const port = Number(process.argv[2]);
const file = process.argv[3] ?? '';
let server: Server | null = null;

function look(): void {
  const wanted = existsSync(file);
  if (wanted && server === null) {
    server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end('# TYPE sample_up gauge\nsample_up 1\n');
    });
    server.listen(port, '127.0.0.1', () => console.log('up'));
  } else if (!wanted && server !== null) {
    server.close();
    server.closeAllConnections();
    server = null;
    console.log('down');
  }
}

setInterval(look, 50);
look();
console.log('ready');
