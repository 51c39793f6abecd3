import { z } from 'zod';
import { TocsinError } from '../kernel/errors.ts';
import { parseStrictJson } from '../kernel/strict-json.ts';

const login = z.object({ login: z.string().max(200) });

/** The webhook `deployment_protection_rule`. Source: docs.github.com, webhook events and payloads. */
export const ruleEvent = z.object({
  action: z.string(),
  environment: z.string().min(1).max(255),
  deployment_callback_url: z.string().max(1000),
  repository: z.object({
    full_name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9-_]{0,99}\/(?!\.+$)[A-Za-z0-9._-]{1,100}$/),
  }),
  deployment: z.object({ creator: login.optional() }).nullish(),
  sender: login.optional(),
});

/** What a status check sends: a merge request event with the check. Source: docs.gitlab.com, external status checks. */
export const statusCheckEvent = z.object({
  object_kind: z.string(),
  user: z.object({ username: z.string().max(255) }).optional(),
  project: z.object({
    path_with_namespace: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){1,20}$/),
    web_url: z.string().max(2000),
  }),
  object_attributes: z.object({ iid: z.int().positive(), state: z.string() }),
  external_approval_rule: z.object({ id: z.int().positive(), name: z.string().max(255) }),
});

/** What a run task sends. Source: developer.hashicorp.com, run tasks integration API. */
export const runTask = z.object({
  payload_version: z.literal(1),
  stage: z.string().regex(/^[a-z_]{1,40}$/),
  access_token: z.string().min(1).max(2000),
  task_result_id: z.string().max(200),
  task_result_callback_url: z.string().max(1000),
  task_result_enforcement_level: z.string().max(40).optional(),
  run_id: z.string().max(200),
  run_app_url: z.string().max(1000).nullish(),
  run_created_by: z.string().max(200).nullish(),
  workspace_name: z.string().max(200),
  organization_name: z.string().max(200),
  is_speculative: z.boolean().optional(),
  vcs_repo_url: z.string().max(1000).nullish(),
  vcs_commit_url: z.string().max(1000).nullish(),
});

/** Reads a delivery that proved itself. Texts and keys that nothing reads may be as many as the body holds. Throws `bad-body`. */
export function readEvent<S extends z.ZodType>(schema: S, body: Buffer): z.output<S> {
  const keys = Math.max(10_000, Math.floor(body.length / 16));
  const parsed = schema.safeParse(parseStrictJson(body, { keys, string: body.length }));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TocsinError('bad-body', {
    message: `It is not what the door expects: ${issue?.message ?? 'unknown'}`,
    at: issue?.path.map(String).join('.') || 'the document',
  });
}
