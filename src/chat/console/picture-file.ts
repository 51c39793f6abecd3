import type { FastifyInstance } from 'fastify';
import type { Parts } from './reply.ts';

/** The pictures as SVG, for whoever is signed in. Opened by itself it may run and load nothing. */
export function registerPictures(scope: FastifyInstance, { door, host }: Parts): void {
  scope.get<{ Params: { file: string }; Querystring: { theme?: string } }>(
    '/pictures/:file',
    async (request, reply) => {
      if ((await door.viewer(request)) === null) return reply.code(401).type('text/plain').send('Sign in first.\n');
      const id = /^([A-Za-z0-9:_-]{1,100})\.svg$/.exec(request.params.file)?.[1];
      const svg = id === undefined ? null : await host.picture(id, request.query.theme === 'dark' ? 'dark' : 'light');
      if (svg === null) return reply.code(404).type('text/plain').send('This picture is not stored any more.\n');
      return reply
        .headers({
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
          // Its data never changes under this name.
          'cache-control': 'private, max-age=86400',
        })
        .type('image/svg+xml; charset=utf-8')
        .send(svg);
    },
  );
}
