import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Json } from '../../kernel/canonical.ts';
import { html } from '../../kernel/html.ts';
import { type Act, act } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import { answerAct, type FormAnswer, refusal } from './answers.ts';
import { renderCard, renderNotice } from './cards.ts';
import { renderConfirm } from './confirm.ts';
import { foreignOrigin, header } from './guard.ts';
import { actOnMany } from './lists/bulk.ts';
import { changeViews } from './lists/views.ts';
import { type Look, lookCookies, lookOfForm } from './look.ts';
import { renderChecks } from './pages/status.ts';
import { type Parts, refuseEntry, sendFragment } from './reply.ts';
import { runByForm } from './run-form.ts';
import { findSample, sendSample } from './samples.ts';
import { isSecure } from './session-guard.ts';
import type { Viewer } from './viewer.ts';

/** Registers all routes that change something, by POST only. Each form passes one check before anything is read from it. */
export function registerForms(scope: FastifyInstance, parts: Parts): void {
  guarded(scope, parts, '/console/act', pressButton);
  guarded(scope, parts, '/console/command', sendCommand);
  guarded(scope, parts, '/console/run', runByForm);
  guarded(scope, parts, '/console/sample', postSample);
  guarded(scope, parts, '/console/checks', runChecks);
  guarded(scope, parts, '/console/bulk', actOnMany);
  guarded(scope, parts, '/console/views', changeViews);
  scope.post('/console/act-as', async (request, reply) => {
    const form = fields(request);
    const admitted = await parts.door.admit(request, form['csrf'] ?? '');
    if ('refused' in admitted) return refuseForm(request, reply, admitted.refused);
    if (await parts.door.actAs(request, reply, form['person'] ?? '')) return reply.redirect(backPath(request), 303);
    return refuseForm(request, reply, 'Nobody of this name is in tocsin.yaml, or this is not the local page.');
  });
  scope.post('/logout', async (request, reply) => {
    const admitted = await parts.door.admit(request, fields(request)['csrf'] ?? '');
    if ('refused' in admitted) return refuseForm(request, reply, admitted.refused);
    await parts.door.leave(request, reply);
    return reply.redirect('/login', 303);
  });
  // Only this browser's cookies change, so that readers may too.
  scope.post('/console/look', async (request, reply) => {
    const foreign = foreignOrigin(request, parts.host);
    if (foreign !== null) return refuseForm(request, reply, `This change did not come from this page: ${foreign}.`);
    keepLook(reply, lookOfForm(fields(request)), isSecure(parts.host));
    return reply.redirect(backPath(request), 303);
  });
  scope.post('/login', async (request, reply) => signIn(request, reply, parts));
}

type Handler = (form: Record<string, string>, viewer: Viewer & { who: Actor }, parts: Parts) => Promise<FormAnswer>;

function guarded(scope: FastifyInstance, parts: Parts, path: string, handle: Handler): void {
  scope.post(path, async (request, reply) => {
    const form = fields(request);
    const admitted = await parts.door.admit(request, form['csrf'] ?? '');
    if ('refused' in admitted) return refuseForm(request, reply, admitted.refused);
    const answer = await handle(form, admitted.viewer, parts);
    if (answer.to !== undefined) {
      if (header(request, 'hx-request') !== 'true') return reply.redirect(answer.to, 303);
      reply.header('hx-redirect', answer.to);
    }
    return sendFragment(request, reply.code(answer.status), answer.fragment, answer.whole);
  });
}

function refuseForm(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  return sendFragment(request, reply.code(403), renderNotice(text, 'error'));
}

const formBody = z.record(z.string(), z.string());

function fields(request: FastifyRequest): Record<string, string> {
  const parsed = formBody.safeParse(request.body ?? {});
  return parsed.success ? parsed.data : {};
}

/** For a year. */
function keepLook(reply: FastifyReply, look: Look, secure: boolean): void {
  const kept = { path: '/', httpOnly: true, sameSite: 'strict', secure, maxAge: 365 * 24 * 3600 } as const;
  for (const name of ['theme', 'times', 'here'] as const)
    reply.setCookie(lookCookies[name], look[name] ?? '', { ...kept, encode: text => text });
}

/** The path of the console page that the form was on. */
function backPath(request: FastifyRequest): string {
  const from = request.headers.referer;
  if (from === undefined || !URL.canParse(from)) return '/';
  const { pathname, search } = new URL(from);
  return safePath(pathname + search);
}

/** A path on this site. Browsers read `//evil.example` and `/\evil.example` as other sites; these, and anything else, become `/`. */
export function safePath(path: string): string {
  return /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(path) ? path : '/';
}

async function signIn(request: FastifyRequest, reply: FastifyReply, parts: Parts): Promise<FastifyReply> {
  const form = fields(request);
  const to = safePath(form['to'] ?? '/');
  const entered = parts.door.enterByForm(request, reply, (form['token'] ?? '').trim());
  return entered.ok ? reply.redirect(to, 303) : refuseEntry(reply, entered.wait, parts, to);
}

async function pressButton(
  form: Record<string, string>,
  viewer: Viewer & { who: Actor },
  parts: Parts,
): Promise<FormAnswer> {
  const wanted = parseAct(form);
  if (wanted === null) return refusal(422, 'This button is not one of this version. Reload the page and press again.');
  const answer = await parts.host.act(viewer.who, wanted);
  if (!answer.ok && answer.confirm !== undefined) {
    const asked = { act: wanted, label: form['label'] ?? 'Approve', confirm: answer.confirm };
    return { status: 200, fragment: renderConfirm(asked, viewer) };
  }
  return answerAct(answer, form['label'] ?? 'Done');
}

/** The act of the button, with the reason that was typed. */
function parseAct(form: Record<string, string>): Act | null {
  const raw = readJson(form['act'] ?? '');
  const reason = (form['reason'] ?? '').trim();
  const merged =
    reason !== '' && raw !== null && typeof raw === 'object' && !Array.isArray(raw) ? { ...raw, reason } : raw;
  const parsed = act.safeParse(merged);
  return parsed.success ? parsed.data : null;
}

function readJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

async function sendCommand(
  form: Record<string, string>,
  viewer: Viewer & { who: Actor },
  parts: Parts,
): Promise<FormAnswer> {
  const line = (form['line'] ?? '').trim();
  if (line === '' || line.length > 2000) return refusal(422, 'Type a command; help lists them.');
  const place = (name: string) => (form[name] ? form[name] : null);
  const context = {
    platform: 'console',
    channel: place('channel'),
    alert: place('alert'),
    run: place('run'),
    gate: place('gate'),
  };
  const answer = await parts.host.command(viewer.who, line, context);
  const said = html`<p class="private-note"><code>${line}</code> · only you see this answer</p>`;
  if (!answer.ok)
    return { status: 200, fragment: html`<div class="private">${said}${renderNotice(answer.text, 'error')}</div>` };
  const id = `answer-${viewer.now}`;
  const body = renderCard(answer.card, { id, at: null, href: null }, viewer);
  return { status: 200, fragment: html`<div class="private">${said}${body}</div>` };
}

/** Checks change nothing, but they ask other services, so that only who is signed in lets them. */
async function runChecks(_form: Record<string, string>, viewer: Viewer, parts: Parts): Promise<FormAnswer> {
  return { status: 200, fragment: renderChecks(await parts.host.overview.checks(), viewer) };
}

async function postSample(form: Record<string, string>, _visit: Viewer, parts: Parts): Promise<FormAnswer> {
  const sample = findSample(form['sample'] ?? '');
  const state = form['state'] === 'resolved' ? 'resolved' : 'firing';
  if (sample === undefined) return refusal(404, 'There is no such sample.');
  const sent = await sendSample(parts.host, sample, state);
  return { status: sent.ok ? 200 : 502, fragment: sent.answer };
}
