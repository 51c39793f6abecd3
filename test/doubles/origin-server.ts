import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an API answers. */
export interface Answer {
  status: number;
  /** Undefined for no body. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** What the next request gets: `lost` has its effect and breaks the connection; `none` is answered as usual. */
export type Fault = 'none' | 'lost' | Answer;

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** Parsed where there is one. */
  body: unknown;
}

/** The server of a double of an API: it notes what is asked, and has faults. */
export interface OriginServer {
  url: string;
  /** Every request in order: method and path. */
  requests: string[];
  /** One after the other. */
  faults: Fault[];
  close(): void;
}

export async function startOriginServer(answer: (asked: Asked) => Answer): Promise<OriginServer> {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://double');
    double.requests.push(`${request.method} ${request.url}`);
    let text = '';
    for await (const chunk of request) text += chunk;
    const fault = double.faults.shift() ?? 'none';
    const asked = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    const given = typeof fault === 'object' ? fault : answer(asked);
    if (fault === 'lost') return response.destroy();
    response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
    response.end(given.body === undefined ? undefined : JSON.stringify(given.body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const double: OriginServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    faults: [],
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return double;
}
