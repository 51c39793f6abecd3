import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { basicHeader } from '../../src/kernel/signature.ts';
import { attributes, eventTypes } from '../../src/sources/icinga2/stream/shapes.ts';

/** A host, or a service where `host_name` is not empty, with the attributes that are asked for. Times in seconds. */
export interface StreamObject {
  name: string;
  host_name: string;
  state: number;
  state_type: number;
  changed: number;
  downtime_depth?: number;
  acknowledgement?: number;
  output?: string;
}

/**
 * The part of the API of Icinga 2 that is followed, for what the real one cannot be made to do: silence, torn lines, refusals. It takes
 * exactly what Tocsin asks for, and answers as version 2.13.6 does: the head at once, then a line for each event.
 */
export interface IcingaStreamDouble {
  url: string;
  password: string;
  objects: StreamObject[];
  comments: { author: string; text: string; entry_type: number }[];
  /** How many streams were opened. */
  opened: number;
  /** How many lists of services were asked for. */
  listed: number;
  /** How many streams were asked for and not answered, while `holds`. */
  held: number;
  holds: boolean;
  /** Writes into the open stream. */
  write(text: string | Uint8Array): void;
  send(event: object): void;
  /** Closes the stream; `torn` breaks the connection. */
  end(how?: 'torn'): void;
  close(): void;
}

const asked = z.strictObject({
  queue: z.string().regex(/^tocsin-[0-9a-f-]{36}$/),
  types: z.array(z.enum(eventTypes)).length(eventTypes.length),
});
const listing = z.strictObject({ attrs: z.array(z.enum(attributes as [string])), filter: z.string() });
const commentQuery = z.strictObject({
  attrs: z.array(z.string()),
  filter: z.literal('comment.host_name == tocsin_host && comment.service_name == tocsin_service'),
  filter_vars: z.strictObject({ tocsin_host: z.string(), tocsin_service: z.string() }),
});

export async function startIcingaStream(): Promise<IcingaStreamDouble> {
  let stream: ServerResponse | null = null;
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const { pathname } = new URL(request.url ?? '', 'http://double');
    if (request.headers.authorization !== basicHeader('tocsin', double.password))
      return answer(401, { error: 401, status: 'Unauthorized. Please check your user credentials.' });
    if (request.headers.accept !== 'application/json') return answer(400, { error: 400, status: 'No accept header' });
    if (pathname === '/v1/events' && request.method === 'POST') {
      asked.parse(JSON.parse(text));
      if (double.holds) {
        double.held++;
        return;
      }
      double.opened++;
      stream = response;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      return;
    }
    const [, kind = '', name] = /^\/v1\/objects\/(host|service|comment)s(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (kind === 'comment') {
      commentQuery.parse(JSON.parse(text));
      return answer(200, { results: double.comments.map(attrs => ({ attrs })) });
    }
    const all = double.objects.filter(one => (one.host_name === '') === (kind === 'host'));
    if (name === undefined) {
      if (kind === 'service') double.listed++;
      const { filter } = listing.parse(JSON.parse(text));
      if (filter !== `${kind}.state != 0 && ${kind}.state_type == 1`)
        return answer(400, { error: 400, status: filter });
      return answer(200, {
        results: all.filter(one => one.state !== 0 && one.state_type === 1).map(one => ({ attrs: attrsOf(one) })),
      });
    }
    const found = all.filter(one => fullName(one) === decodeURIComponent(name));
    if (found.length === 0) return answer(404, { error: 404, status: 'No objects found.' });
    return answer(200, { results: found.map(one => ({ attrs: attrsOf(one) })) });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const double: IcingaStreamDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    password: 'api password',
    objects: [],
    comments: [],
    opened: 0,
    listed: 0,
    held: 0,
    holds: false,
    write: text => void stream?.write(text),
    send: event => void stream?.write(`${JSON.stringify(event)}\n`),
    end: how => void (how === 'torn' ? stream?.destroy() : stream?.end()),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return double;
}

function fullName({ name, host_name }: StreamObject): string {
  return host_name === '' ? name : `${host_name}!${name}`;
}

function attrsOf({ changed, output = 'output', host_name, ...given }: StreamObject): object {
  return {
    downtime_depth: 0,
    acknowledgement: 0,
    last_reachable: true,
    last_state_change: changed,
    last_hard_state_change: changed,
    last_check_result: { output },
    ...given,
    ...(host_name === '' ? {} : { host_name }),
  };
}
