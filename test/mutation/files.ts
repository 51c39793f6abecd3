/** The files in which a small fault could cost somebody's production, each with the tests that are to notice it. */

/**
 * Paths from the root of the repository. Tests that take minutes or need PostgreSQL, Redis or a browser are left out on purpose: each mutant
 * runs the tests that reach it, and some thousand mutants are tried.
 */
export const safetyFiles: Record<string, string[]> = {
  'src/flow/pipeline/decide.ts': ['test/flow/pipeline/decide.test.ts'],
  'src/flow/pipeline/approve.ts': ['test/flow/pipeline/approve.test.ts'],
  'src/flow/pipeline/begin.ts': ['test/flow/pipeline/begin.test.ts'],
  'src/flow/pipeline/match.ts': ['test/flow/pipeline/match.test.ts', 'test/flow/pipeline/match-clauses.test.ts'],
  'src/flow/pipeline/intake.ts': ['test/flow/pipeline/intake-nodes.test.ts', 'test/flow/pipeline/parts.test.ts'],
  'src/flow/pipeline/episode.ts': ['test/flow/pipeline/episode-rules.test.ts'],
  'src/flow/pipeline/reopen.ts': ['test/flow/pipeline/reopen.test.ts'],
  'src/flow/people/authorise.ts': ['test/flow/people/authorise.test.ts'],
  'src/flow/people/seal.ts': ['test/flow/people/seal.test.ts'],
  'src/flow/acts/vote.ts': ['test/flow/acts/vote.test.ts'],
  'src/model/alert.ts': ['test/model/alert.test.ts', 'test/model/alert-edges.test.ts', 'test/model/alert-acts.test.ts'],
  'src/model/fold.ts': ['test/model/fold.test.ts', 'test/model/fold-facts.test.ts', 'test/model/run.test.ts'],
  'src/model/approval.ts': ['test/model/approval.test.ts'],
  'src/http/guards.ts': ['test/http/guards.test.ts'],
  'src/kernel/egress/address.ts': ['test/kernel/egress/address.test.ts'],
  'src/kernel/egress/egress.ts': [
    'test/kernel/egress/egress.test.ts',
    'test/kernel/egress/rules.test.ts',
    'test/kernel/egress/edges.test.ts',
  ],
  'src/kernel/egress/answer.ts': [
    'test/kernel/egress/answer.test.ts',
    'test/kernel/egress/patience.test.ts',
    'test/kernel/egress/egress.test.ts',
  ],
  'src/kernel/egress/request.ts': ['test/kernel/egress/request.test.ts'],
  'src/kernel/signature.ts': ['test/kernel/signature.test.ts'],
  'src/kernel/strict-json.ts': ['test/kernel/strict-json.test.ts'],
  'src/kernel/redact/redact.ts': ['test/kernel/redact/edges.test.ts'],
  'src/kernel/redact/patterns.ts': ['test/kernel/redact/edges.test.ts', 'test/kernel/redact/patterns.test.ts'],
  'src/kernel/redact/forms.ts': ['test/kernel/redact/forms.test.ts'],
  'src/kernel/child/kill.ts': ['test/kernel/child/kill.test.ts', 'test/kernel/child/rounds.test.ts'],
  'src/flow/run/journal.ts': ['test/flow/run/lost-result.test.ts'],
  'src/flow/run/lease.ts': ['test/flow/run/lease.test.ts'],
  'src/flow/run/recover.ts': ['test/flow/run/sweep.test.ts', 'test/flow/run/recover-rounds.test.ts'],
  'src/flow/run/perform-step.ts': ['test/flow/run/session.test.ts', 'test/flow/run/perform.test.ts'],
  'src/flow/run/record.ts': ['test/flow/run/session.test.ts', 'test/flow/run/perform.test.ts'],
  'src/flow/deliver/queue.ts': ['test/flow/deliver/queue.test.ts'],
  'src/flow/deliver/digest.ts': ['test/flow/deliver/digest.test.ts'],
  'src/flow/journal/audit.ts': ['test/flow/journal/audit-chain.test.ts'],
  'src/stores/sql/guards.ts': ['test/stores/sqlite-guards.test.ts'],
  'src/stores/sqlite/guards.ts': ['test/stores/sqlite-guards.test.ts'],
  'src/sources/webhook/proof.ts': ['test/sources/proofs.test.ts'],
};
