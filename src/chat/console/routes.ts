import cookies from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { html } from '../../kernel/html.ts';
import { digits, wholeNumber } from '../../kernel/number.ts';
import { renderPlain, wantsPage } from '../../kernel/plain-page.ts';
import { detailsSubject } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { findAsset } from './assets.ts';
import { renderCard, renderNotice } from './cards.ts';
import { chooseEncoding, registerCompression } from './compression.ts';
import { registerDownloads } from './downloads.ts';
import { registerForms } from './forms.ts';
import { createFrame, type Frame } from './frame.ts';
import { header, hostAllowed, secureHeaders } from './guard.ts';
import type { Hub } from './hub.ts';
import { renderDocument } from './layout.ts';
import { registerExports } from './lists/exports.ts';
import { firstView } from './lists/views.ts';
import { fileName, readOutput } from './log/file.ts';
import { findPage } from './pages/index.ts';
import { renderLogin } from './pages/login.ts';
import { renderMissing } from './pages/missing.ts';
import { registerPictures } from './picture-file.ts';
import { type Parts, refuseEntry, sendFragment, sendWhole } from './reply.ts';
import { createSessionGuard } from './session-guard.ts';
import { createFeed } from './stream.ts';
import type { Viewer } from './viewer.ts';

/** Registers everything under one scope, so that its parsers and hooks touch nothing else on the port. */
export async function registerConsole(http: FastifyInstance, host: ChatHost, hub: Hub): Promise<Frame> {
  const parts: Parts = { host, hub, door: createSessionGuard(host), frame: createFrame(host) };
  await http.register(async scope => {
    if (!scope.hasRequestDecorator('cookies')) await scope.register(cookies);
    await registerCompression(scope);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 256 * 1024 },
      async (_request: FastifyRequest, body: string) => Object.fromEntries(new URLSearchParams(body)),
    );
    scope.addHook('onRequest', async (request, reply) => {
      secureHeaders(reply);
      const name = header(request, 'host');
      if (!hostAllowed(name, host)) throw new TocsinError('wrong-host', { given: name ?? 'none' });
    });
    scope.setErrorHandler((error, request, reply) => answerError(error, request, reply, host));
    registerStatic(scope);
    registerPages(scope, parts);
    registerReads(scope, parts);
    registerPictures(scope, parts);
    registerDownloads(scope, parts);
    registerExports(scope, parts);
    registerForms(scope, parts);
  });
  return parts.frame;
}

/** Answers an error: to a script with a fragment for its place on the page, otherwise as everywhere (http/errors.ts). */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, host: ChatHost): FastifyReply {
  if (header(request, 'hx-request') !== 'true') throw error;
  const known = error instanceof TocsinError ? error : null;
  const status = known?.status ?? statusOf(error);
  // Known errors are logged at their source; here every open page would log them again.
  if (known === null && status >= 500)
    host.log.error({ error, path: request.url.split('?')[0] }, 'a console request failed');
  return sendFragment(request, reply.code(status), renderNotice(textOf(known, status), 'error'));
}

function textOf(known: TocsinError | null, status: number): string {
  if (known === null)
    return status < 500 ? 'The request is not one this page takes.' : 'This did not work; the log says why.';
  return status < 500 ? known.message : `${known.message} ${known.remedy}`;
}

function statusOf(error: unknown): number {
  const status = error !== null && typeof error === 'object' && 'statusCode' in error ? error.statusCode : 500;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}

function registerStatic(scope: FastifyInstance): void {
  scope.get<{ Params: { file: string } }>('/console/static/:file', async (request, reply) => {
    const asset = await findAsset(request.params.file);
    if (asset === null) return reply.code(404).type('text/plain').send('There is no such file.\n');
    // Weak: what is sent differs by its encoding.
    const headers = { 'cache-control': 'no-cache', etag: `W/${asset.etag}`, vary: 'accept-encoding' };
    if (header(request, 'if-none-match')?.endsWith(asset.etag)) return reply.code(304).headers(headers).send();
    const encoding = chooseEncoding(header(request, 'accept-encoding'));
    if (encoding !== null) reply.header('content-encoding', encoding);
    const body = encoding === null ? asset.body : asset.encoded[encoding];
    return reply.headers(headers).type(asset.type).send(body);
  });
}

const pages = [
  '/',
  '/channels/:id',
  '/threads/*',
  '/runs',
  '/runs/:id',
  '/runs/:id/log',
  '/alerts',
  '/alerts/:id',
  '/alerts/:id/run',
  '/approvals',
  '/gate',
  '/gate/:id',
  '/changes',
  '/changes/:id',
  '/permits',
  '/permits/:id',
  '/find',
  '/journal',
  '/runbooks',
  '/runbooks/:id',
  '/people',
  '/schedules',
  '/sources',
  '/sources/:id',
  '/statistics',
  '/status',
];

function registerPages(scope: FastifyInstance, parts: Parts): void {
  for (const path of pages) {
    scope.get(path, async (request, reply) => {
      const { pathname, searchParams } = addressOf(request);
      const key = pathname === '/' ? searchParams.get('key') : null;
      if (key !== null) return enterByLink(request, reply, parts, key);
      const viewer = await parts.door.viewer(request);
      if (viewer === null) return reply.redirect(`/login?to=${encodeURIComponent(request.url)}`, 303);
      const first = request.url === '/alerts' ? await firstView(viewer) : null;
      return first === null ? sendPage(request, reply, parts, viewer) : reply.redirect(first, 303);
    });
  }
  // What is no page of anything is answered with the navigation around it; programs get what they get everywhere.
  scope.get('/*', async (request, reply) => {
    const wants = wantsPage(addressOf(request).pathname, header(request, 'accept'));
    const viewer = wants ? await parts.door.viewer(request) : null;
    return viewer === null ? reply.callNotFound() : sendPage(request, reply, parts, viewer);
  });
  scope.get('/login', async (request, reply) => {
    if ((await parts.door.viewer(request))?.who != null) return reply.redirect('/', 303);
    const to = addressOf(request).searchParams.get('to');
    return sendWhole(reply, renderLogin({ to, local: parts.host.localKey !== null, trouble: null }));
  });
}

function addressOf(request: FastifyRequest): URL {
  return new URL(request.url, 'http://console.invalid');
}

async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: Parts,
  viewer: Viewer,
): Promise<FastifyReply> {
  const { pathname, search, searchParams } = addressOf(request);
  const page = await findPage(parts.host, pathname, Object.fromEntries(searchParams));
  const [around, waiting] = await Promise.all([parts.frame.read(), parts.frame.waiting(viewer)]);
  if (page === null) {
    const missing = { title: 'Not found', here: '', main: await renderMissing(pathname, parts.host), stream: null };
    return sendWhole(reply.code(404), renderDocument(missing, around, waiting, viewer));
  }
  // The stamp is read before the content: a change in between is then sent again and never missed.
  const stamp = page.list === null ? ((await page.tail?.stamp()) ?? 0) : (await page.list.keys()).stamp;
  const main = await page.render(viewer);
  const shown = page.rows?.mark() ?? '';
  const stream = `/console/stream?${new URLSearchParams({ page: pathname + search, after: String(stamp), shown })}`;
  const document = renderDocument({ title: page.title, here: page.here, main, stream }, around, waiting, viewer);
  return sendWhole(reply.code(page.status ?? 200), document);
}

/**
 * Handles the link that the start prints: the key becomes a cookie, and is removed from the address. A strict cookie is not sent on a
 * navigation from another site, so in that case a page of this site does the redirect.
 */
async function enterByLink(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: Parts,
  key: string,
): Promise<FastifyReply> {
  const entered =
    parts.host.localKey === null ? { ok: false as const, wait: 0 } : parts.door.enter(request, reply, key);
  if (!entered.ok) return refuseEntry(reply, entered.wait, parts, null);
  const site = header(request, 'sec-fetch-site');
  if (site === undefined || site === 'none' || site === 'same-origin') return reply.redirect('/', 303);
  return sendWhole(
    reply,
    renderPlain('Signed in', html`<p>Signed in. <a href="/">Go on to the page.</a></p>`, { onTo: '/' }),
  );
}

const detailsQuery = z.object({ subject: detailsSubject, id: z.string().min(1).max(200) });
const streamQuery = z.object({
  page: z
    .string()
    .max(2000)
    .regex(/^\/(?!\/)/),
  after: digits(z.int().min(0)),
  shown: z.string().max(64).default(''),
});

function registerReads(scope: FastifyInstance, parts: Parts): void {
  scope.get('/console/details', async (request, reply) => {
    const viewer = await parts.door.viewer(request);
    const query = detailsQuery.safeParse(request.query);
    if (viewer === null) return sendFragment(request, reply.code(401), renderNotice('Sign in first.', 'error'));
    const card = query.success ? await parts.host.details(query.data.subject, query.data.id) : null;
    if (card === null)
      return sendFragment(request, reply.code(404), renderNotice('There is nothing of this name.', 'error'));
    const body = renderCard(card, { id: `details-${parts.host.clock.now()}`, at: null, href: null }, viewer);
    return sendFragment(
      request,
      reply,
      html`<div class="private"><p class="private-note">Only you see this.</p>${body}</div>`,
    );
  });
  scope.get<{ Params: { id: string } }>('/runs/:id/output', async (request, reply) => {
    if ((await parts.door.viewer(request)) === null)
      return reply.redirect(`/login?to=${encodeURIComponent(request.url)}`, 303);
    const query = addressOf(request).searchParams;
    const step = query.get('step');
    const text = await readOutput(parts.host.store, request.params.id, step);
    if (text === null) return reply.code(404).type('text/plain; charset=utf-8').send('There is no such run.\n');
    if (query.get('save') === 'yes')
      reply.header('content-disposition', `attachment; filename="${fileName(request.params.id, step)}"`);
    return reply.type('text/plain; charset=utf-8').send(text);
  });
  scope.get('/console/stream', async (request, reply) => openStream(request, reply, parts));
}

async function openStream(request: FastifyRequest, reply: FastifyReply, parts: Parts): Promise<FastifyReply> {
  const plain = () => reply.type('text/plain; charset=utf-8');
  if ((await parts.door.viewer(request)) === null) return plain().code(401).send('Sign in first.\n');
  const query = streamQuery.safeParse(request.query);
  const address = query.success ? new URL(query.data.page, 'http://console.invalid') : null;
  const page =
    address === null ? null : await findPage(parts.host, address.pathname, Object.fromEntries(address.searchParams));
  if (!query.success || page === null) return plain().code(404).send('There is no such page.\n');
  if (parts.hub.full()) return plain().code(503).header('retry-after', '10').send('Too many open pages.\n');
  const after = wholeNumber(header(request, 'last-event-id') ?? '') ?? query.data.after;
  const feed = createFeed(page, parts.frame.regions(page.here), parts.host, { after, shown: query.data.shown });
  reply.hijack();
  const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
  reply.raw.writeHead(
    200,
    Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string>,
  );
  parts.hub.open(reply.raw, feed, parts.door.viewerAgain(request));
  return reply;
}
