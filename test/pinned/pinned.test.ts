import { describe, expect, test } from 'vitest';
import { exitCode } from '../../src/cli/terminal.ts';
import { kinds, prefix, queueName } from '../../src/dispatchers/bullmq/parts/queue.ts';
import { catalogue } from '../../src/kernel/catalogue.ts';
import { act } from '../../src/model/act.ts';
import { actor } from '../../src/model/actor.ts';
import { alert, alertState, effect } from '../../src/model/alert.ts';
import { approval, approvalState, vote } from '../../src/model/approval.ts';
import { block, button, card, post, tone } from '../../src/model/card.ts';
import { decision, risk, triggerKind, verdict } from '../../src/model/decision.ts';
import { event, eventKind, incomingEvent, severity } from '../../src/model/event.ts';
import { entryVersion, fact, streamOf } from '../../src/model/journal.ts';
import { letter, letterState } from '../../src/model/letter.ts';
import { role } from '../../src/model/node.ts';
import { plan } from '../../src/model/plan.ts';
import { ending, run, runState, step, stepEnding, stepState, waiting } from '../../src/model/run.ts';
import * as actual from './actual.ts';

/**
 * Everything that leaves the process by a name or number that somebody else relies on: scripts, dashboards, alert rules, databases,
 * journals that are kept for years. Each list says how it is; the code says what it does; they must be the same.
 */
function pinned(what: string, is: readonly string[], text: string, between = /\n/): void {
  const list = text.split(between).flatMap(one => one.trim() || []);
  expect(
    is,
    `${what} leaves the process in another form. Others rely on it, so this is a decision: change the list here with it, and say it in CHANGELOG.md under Pending.`,
  ).toEqual(list);
}
/** The same for words, however they stand in lines. */
const words = (what: string, is: readonly string[], text: string) => pinned(what, is, text, /\s+/);

describe('what others call', () => {
  test('error codes, each with its HTTP status', () => {
    words(
      'An error code',
      Object.entries(catalogue).map(([code, { status }]) => `${code}:${status}`),
      `
      bad-signature:401 body-too-large:413 wrong-content-type:415 bad-body:422 method-not-allowed:405 overloaded:503
      key-unreachable:503 draining:503 not-found:404 bad-request:400 unauthenticated:401 forbidden:403 conflict:409
      not-asked:409 wrong-host:421 wrong-origin:403 gate-key-used:422 gate-subject:422 permit-refused:422
      evidence-invalid:422 evidence-mismatch:422 internal:500 tokens-missing:500 file-missing:500 file-unusable:500
      file-invalid:500 sigma-unsupported:500 expression-invalid:500 expression-failed:500 driver-invalid:500
      params-invalid:422 runbook-unknown:404 guard-failed:409 store-failed:503 store-too-old:500 store-too-new:500
      store-unreachable:503 store-refused:500 store-not-empty:409 store-in-use:409 store-locked:500 row-broken:500
      journal-broken:500 redis-unfit:500 step-failed:500 step-timeout:500 replay-differs:500 plan-changed:409
      lease-lost:409 cancelled:409 listen-failed:500 environment-invalid:500 usage-invalid:400 not-reachable:503
      argv-invalid:422 program-missing:500 spawn-failed:500 spawner-lost:500 isolation-unavailable:500
      children-left:500 egress-refused:403 egress-failed:502 response-too-large:502 chat-limited:503 chat-down:502
      chat-refused:422 chat-root-gone:502 origin-limited:503 origin-down:502 origin-refused:422
      `,
    );
  });

  test('commands of the command line, their options, and what they exit with', async () => {
    pinned(
      'The command line',
      await actual.commandLine(),
      `
      start [--role <role>] | --role <role>
      check | --strict | --format <format>
      doctor
      test [runbook ...]
      run <runbook> [name=value ...] | --reason <text> | --detach
      gate <name> [--image name@sha256:… --environment production ...] | --service <service> | --image <name@digest> | --sha <sha> | --repository <repository> | --environment <environment> | --change <change> | --actor <actor> | --link <label=url> | --wait <time> | --fail-open | --json
      send <source> <file> | --header <header> | --sign | --type <type>
      record <source> | --count <number> | --for <duration> | --unproven | --out <folder> | --reason <text>
      source add <type> [name] | list | --env-file <file> | --url <url>
      explain <id> | --json
      list [runbooks | approvals | runs | alerts] | --json
      approve <approval | run> | --reason <text> | --json | --plan <hash> | --yes
      deny <approval | run> | --reason <text> | --json
      cancel <run> | --reason <text> | --json
      halt | --reason <text> | --json
      resume | --reason <text> | --json
      ack <alert> | --for <duration> | --reason <text> | --json
      unack <alert> | --json
      silence <alert> | --for <duration> | --reason <text> | --json
      unsilence <alert> | --json
      close <alert> | --reason <text> | --json
      alert ack | unack | silence | unsilence | close <id> | --for <duration> | --reason <text> | --json
      replay | --file <file> | --after <seq>
      audit verify | export | --file <file> | --checkpoint <seq:hash> | --out <file>
      migrate-store
      init [folder]
      `,
    );
    const codes = Object.entries(exitCode).map(([name, code]) => `${name}:${code}`);
    words('An exit code', codes, 'ok:0 failed:1 unusable:2 interrupted:130');
  });

  test('variables of the environment, read and given to the children of steps', async () => {
    words(
      'A variable of the environment',
      actual.environmentNames(),
      `
      DATABASE_URL DISCORD_API_URL DISCORD_TOKEN HOME LANG OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_HEADERS
      OTEL_EXPORTER_OTLP_PROTOCOL OTEL_EXPORTER_OTLP_TIMEOUT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
      OTEL_EXPORTER_OTLP_TRACES_HEADERS OTEL_EXPORTER_OTLP_TRACES_PROTOCOL OTEL_EXPORTER_OTLP_TRACES_TIMEOUT
      OTEL_SDK_DISABLED OTEL_SERVICE_NAME PATH REDIS_URL SLACK_API_URL SLACK_APP_TOKEN SLACK_BOT_TOKEN
      SLACK_SIGNING_SECRET TOCSIN_CONFIG TOCSIN_DATA TOCSIN_LISTEN TOCSIN_LOG TOCSIN_PERMIT TOCSIN_ROLE TOCSIN_STEP
      TOCSIN_TOKEN TOCSIN_URL TZ
      `,
    );
    const { child } = await actual.tracesOfProcess();
    words(
      'The environment of steps',
      child,
      `
      AWS_ROLE_SESSION_NAME HOME LANG PARAM_HOST PATH TMPDIR TOCSIN_PERMIT TOCSIN_STEP TZ
      `,
    );
  });

  test('metrics, each with its type and labels', async () => {
    pinned(
      'A metric',
      await actual.metricsOfProcess(),
      `
      counter tocsin_acts_refused_total act
      counter tocsin_acts_unjournalled_total act
      counter tocsin_admission_total verdict
      counter tocsin_approvals_total state
      counter tocsin_changes_judged_total source state
      counter tocsin_changes_total source outcome
      counter tocsin_dead_letters_total source
      counter tocsin_decisions_total verdict
      counter tocsin_door_deliveries_total door outcome
      counter tocsin_events_accepted_total source
      counter tocsin_events_echoed_total source what
      counter tocsin_events_refused_total source code
      counter tocsin_gates_told_total door outcome
      counter tocsin_gates_total door state
      counter tocsin_origin_told_total source what outcome
      counter tocsin_permits_imported_total importer outcome
      counter tocsin_pictures_total source outcome
      counter tocsin_posts_left_out_total platform
      counter tocsin_records_left_out_total source rule outcome
      counter tocsin_records_total source outcome
      counter tocsin_remediations_total runbook people
      counter tocsin_runbook_runs_total runbook state
      counter tocsin_runs_total state
      counter tocsin_steps_total type state
      counter tocsin_trace_spans_total outcome
      gauge tocsin_approvals_open
      gauge tocsin_fleet_problems
      gauge tocsin_halted
      gauge tocsin_journal_broken
      gauge tocsin_journal_checked
      gauge tocsin_journal_head
      gauge tocsin_nodes
      gauge tocsin_oldest_approval_seconds
      gauge tocsin_oldest_queued_run_seconds
      gauge tocsin_part_down part
      gauge tocsin_posts_undelivered platform
      gauge tocsin_runs state
      gauge tocsin_work_busy
      gauge tocsin_work_places
      histogram tocsin_change_exposure_seconds source
      histogram tocsin_intake_seconds
      histogram tocsin_run_duration_seconds state
      histogram tocsin_step_duration_seconds type
      histogram tocsin_time_to_approval_seconds runbook
      histogram tocsin_time_to_decision_seconds runbook
      histogram tocsin_time_to_gate_decision_seconds gate state
      histogram tocsin_time_to_remediation_seconds runbook
      `,
    );
  });
});

describe('what others import', () => {
  test('the package and its entry', () => {
    pinned(
      'The export map',
      actual.exportsOfPackage(),
      `
      . types ./dist/src/index.d.ts default ./dist/src/index.js
      ./package.json ./package.json
      ./schemas/* ./docs/schemas/*
      tocsin ./bin/tocsin.js
      `,
    );
    const { values, types } = actual.namesOfEntry();
    words(
      'An export',
      values,
      `
      TocsinError answer answerAct chooseApproval defineChat defineCommand defineDispatcher defineRunbook defineSource
      defineStep defineStore describeParam fieldsOf isEnded nameOf nearest paramsFrom pickByPrefix pickRunbook
      readAlertWords readBanWords readDuration refuse shortHash showDuration subjectText z
      `,
    );
    words(
      'An exported type',
      types,
      `
      Alert Approval Block Card ChatHost Command CommandAnswer CommandContext CommandInput Entry Explanation Gate
      GateExplanation Json Run RunbookView
      `,
    );
  });
});

describe('what the API takes and answers', () => {
  const { routes, documents } = actual.fieldsOfApi();

  test('every address: its query, its body and its answers', () => {
    const state = 'ready well draining parts{} problems[].file problems[].line problems[].column problems[].message';
    const param =
      '[].params[].name [].params[].type [].params[].about [].params[].required [].params[].default [].params[].options[]';
    pinned(
      'An address of the API',
      routes,
      `
      POST /events/{source} > any = 202: accepted[].event accepted[].alert accepted[].duplicate, 401, 413, 415, 422, 503
      OPTIONS /events/{source} = 200: text/plain, 405
      GET /healthz = 200: ok
      GET /readyz = 200: ${state} version, 503: ${state} version
      GET /metrics = 200: text/plain
      GET /openapi.json = 200: any
      GET /api/v1/alerts ? state q limit after = 200: []:Alert, 400, 401
      GET /api/v1/alerts/{id} = 200: Alert, 400, 401, 404
      GET /api/v1/alerts/{id}/evidence = 200: [].from [].place [].at [].record, 400, 401, 404
      POST /api/v1/alerts/{id}/acknowledge > for reason = 200: Alert, 400, 401, 403, 404, 409
      DELETE /api/v1/alerts/{id}/acknowledge = 200: Alert, 400, 401, 403, 404, 409
      POST /api/v1/alerts/{id}/silence > for reason = 200: Alert, 400, 401, 403, 404, 409
      DELETE /api/v1/alerts/{id}/silence = 200: Alert, 400, 401, 403, 404, 409
      POST /api/v1/alerts/{id}/close > reason = 200: Alert, 400, 401, 403, 404, 409
      POST /api/v1/runs > RunRequest = 202: Run, 400, 401, 403, 404, 409, 422, 503
      GET /api/v1/runs ? state runbook alert limit after = 200: []:Run, 400, 401
      GET /api/v1/runs/{id} = 200: Run, 400, 401, 404
      GET /api/v1/runs/{id}/output ? step after = 200: text/plain, 400, 401, 404
      POST /api/v1/runs/{id}/cancel > reason = 202: Run, 400, 401, 403, 404, 409
      POST /api/v1/runs/{id}/answer > step choice question reason = 202: Run, 400, 401, 403, 404, 409
      GET /api/v1/approvals ? state run limit after = 200: []:Approval, 400, 401
      GET /api/v1/approvals/{id} = 200: Approval, 400, 401, 404
      POST /api/v1/approvals/{id}/votes > VoteRequest = 200: Approval, 400, 401, 403, 404, 409
      POST /gates > GateRequest = 200: Gate, 400, 401, 403, 404, 413, 422
      GET /gates/{id} ? wait = 200: Gate, 400, 401, 403, 404
      GET /api/v1/gates ? state limit after = 200: []:Gate, 400, 401, 403
      POST /api/v1/gates/{id}/revoke > RevokeRequest = 200: Gate, 400, 401, 403, 404, 409
      POST /api/v1/break-glass > BreakGlassRequest = 200: BreakGlassWindow, 400, 401, 403, 409
      GET /api/v1/break-glass ? state limit after = 200: []:BreakGlassWindow, 400, 401
      DELETE /api/v1/break-glass/{id} > reason = 200: BreakGlassWindow, 400, 401, 403, 404, 409
      POST /api/v1/known-bad > KnownBadRequest = 201: KnownBad, 400, 401, 403, 404, 409
      GET /api/v1/known-bad ? state limit after = 200: []:KnownBad, 400, 401
      DELETE /api/v1/known-bad/{id} > KnownBadEnd = 200: KnownBad, 400, 401, 403, 404
      POST /api/v1/changes/{id}/claim > ClaimRequest = 200: Approval, 400, 401, 403, 404, 409
      GET /api/v1/changes ? state resource limit after = 200: []:HeldChange, 400, 401
      POST /permits > PermitRequest = 200: Permit, 400, 401, 403, 409, 422
      DELETE /permits/{id} > reason = 200: Permit, 400, 401, 403, 404, 409
      GET /api/v1/permits ? state principal limit after = 200: []:Permit, 400, 401
      GET /api/v1/halt = 200: Halt, 401
      PUT /api/v1/halt > reason = 200: Halt, 400, 401, 403
      DELETE /api/v1/halt > reason = 200: Halt, 400, 401, 403
      GET /api/v1/dead-letters ? state source limit after = 200: []:DeadLetter, 400, 401
      GET /api/v1/dead-letters/{id} = 200: DeadLetter, 400, 401, 404
      POST /api/v1/dead-letters/{id}/redrive > reason = 202: DeadLetter, 400, 401, 403, 404, 409
      POST /api/v1/dead-letters/{id}/discard > reason = 202: DeadLetter, 400, 401, 403, 404, 409
      GET /api/v1/journal ? after limit = 200: application/x-ndjson, 400, 401
      GET /api/v1/journal/state = 200: ok head checked because, 401
      GET /api/v1/explain/{id} = 200: Explanation GateExplanation, 400, 401, 403, 404
      GET /api/v1/runbooks = 200: [].id [].title [].about [].risk [].kind [].on[] ${param}, 401
      GET /api/v1/sources = 200: []:Source, 401
      GET /api/v1/sources/{name} = 200: SourceDetail, 400, 401, 404
      GET /api/v1/sources/{name}/deliveries = 200: []:Delivery, 400, 401, 404
      POST /api/v1/sources/{name}/test = 200: text, 400, 401, 403, 404, 409
      POST /api/v1/sources/{name}/recordings > deliveries for unproven reason = 201: Recording, 400, 401, 403, 404, 409
      GET /api/v1/recordings/{id} ? after = 200: Recording, 400, 401, 403, 404
      DELETE /api/v1/recordings/{id} = 200: text, 400, 401, 403, 404
      GET /api/v1/statistics ? weeks format = 200: Statistics, 400, 401
      `,
    );
  });

  test('every document: its fields', () => {
    const link = 'links[].label links[].url';
    const voted = 'votes[].person votes[].via votes[].vote votes[].reason votes[].at';
    const rule = 'runbooks[].rules[].name runbooks[].rules[].when runbooks[].rules[].result runbooks[].rules[].because';
    pinned(
      'A document of the API',
      documents,
      `
      Alert id source fingerprint title severity labels{} annotations{} ${link} state episode count thread runs[] trusted startsAt resolvedAt end.how end.because firstSeen lastSeen quietSince acknowledgedBy acknowledgedUntil silencedUntil silencedBy silencedAtOrigin.by silencedAtOrigin.until
      Approval id run gate step alert runbook planHash title question risk rule by[] quorum missing reasonRequired state ${voted} because warnings[] commands escalated createdAt expiresAt closedAt
      BreakGlassRequest reason for
      BreakGlassWindow id person reason state because permit openedAt until changes[] more
      ClaimRequest reason
      DeadLetter id source from code because attempts state canRedrive firstAt lastAt
      Decision verdict rule because
      Delivery ring outcome at first count address bytes test echo total records events[].event events[].kind events[].alert events[].episode events[].effect events[].duplicate code where because
      Error error.code error.message error.at error.allowed[] error.given error.remedy decision:Decision
      Explanation event alert title started.run started.by started.decided:Decision runbooks[].runbook runbooks[].holds runbooks[].because runbooks[].decision:Decision ${rule}
      Gate id gate verdict state because rule thread approval subject.repository subject.sha subject.image subject.environment subject.service subject.change subject.actor subject.links[].label subject.links[].url hash createdAt expires
      GateExplanation gate name title state because decided:Decision now:Decision rules[].name rules[].when rules[].result rules[].because knownBad.asked[].what knownBad.asked[].reason knownBad.asked[].from knownBad.asked[].by knownBad.asked[].blocks knownBad.asked[].until knownBad.asked[].sure knownBad.asked[].asOf knownBad.now[].what knownBad.now[].reason knownBad.now[].from knownBad.now[].by knownBad.now[].blocks knownBad.now[].until knownBad.now[].sure knownBad.now[].asOf evidence.kept evidence.documents[].kind evidence.documents[].format evidence.documents[].digest evidence.documents[].from evidence.documents[].verified evidence.documents[].by evidence.documents[].because evidence.documents[].says
      GateRequest gate subject.repository subject.sha subject.image subject.environment subject.service subject.change subject.actor subject.links[].label subject.links[].url evidence
      Halt halted by reason at
      HeldChange id event source title changeKey principal actor action resource account region environment address keys[] unpinned[] outcome was became trusted state because asks bypassed permit alert claim occurredAt ahead dueAt judgedAt endedAt
      KnownBad id what thing.kind thing.digest thing.sha thing.repository thing.introduced thing.fixed[] thing.last thing.purl thing.versions[] thing.ranges[] reason by alert blocks until state createdAt
      KnownBadEnd reason
      KnownBadRequest what alert reason for blocks
      Permit id origin of principal actions[] resources[] account region environment from until state seen.principal seen.address importer because createdAt
      PermitRequest principal actions[] resources[] account region environment from until change reason
      Recording id source by at until most unproven open deliveries[].number deliveries[].at deliveries[].outcome deliveries[].headers{} deliveries[].body deliveries[].removed[]
      RevokeRequest reason
      Run id runbook title risk params targets[] planHash state trigger requestedBy reason alert event parent.run parent.step decision:Decision approval steps[]:Step because question.number question.step createdAt startedAt finishedAt
      RunRequest runbook params reason alert
      Source name type about url maxBody proof trouble counts[].what counts[].count counts[].last
      SourceDetail name type about url maxBody proof trouble counts[].what counts[].count counts[].last setup[] page options
      Statistics from until total.opened total.timeToAcknowledge.count total.timeToAcknowledge.mean total.timeToAcknowledge.median total.timeToAcknowledge.p90 total.timeToRestore.count total.timeToRestore.mean total.timeToRestore.median total.timeToRestore.p90 total.timeToRestoreWithRunbook.count total.timeToRestoreWithRunbook.mean total.timeToRestoreWithRunbook.median total.timeToRestoreWithRunbook.p90 total.timeToRestoreWithoutRunbook.count total.timeToRestoreWithoutRunbook.mean total.timeToRestoreWithoutRunbook.median total.timeToRestoreWithoutRunbook.p90 total.timeToDecision.count total.timeToDecision.mean total.timeToDecision.median total.timeToDecision.p90 total.approved total.denied total.expired total.void total.endedUntold total.runs.ran total.runs.succeeded total.runs.failed total.runs.ineffective total.runs.unconfirmed total.runs.cancelled total.runs.denied total.runs.expired total.runs.remediated total.runs.withoutPeople total.runs.withoutPeopleShare total.runs.ineffectiveShare weeks[].opened weeks[].timeToAcknowledge.count weeks[].timeToAcknowledge.mean weeks[].timeToAcknowledge.median weeks[].timeToAcknowledge.p90 weeks[].timeToRestore.count weeks[].timeToRestore.mean weeks[].timeToRestore.median weeks[].timeToRestore.p90 weeks[].timeToRestoreWithRunbook.count weeks[].timeToRestoreWithRunbook.mean weeks[].timeToRestoreWithRunbook.median weeks[].timeToRestoreWithRunbook.p90 weeks[].timeToRestoreWithoutRunbook.count weeks[].timeToRestoreWithoutRunbook.mean weeks[].timeToRestoreWithoutRunbook.median weeks[].timeToRestoreWithoutRunbook.p90 weeks[].timeToDecision.count weeks[].timeToDecision.mean weeks[].timeToDecision.median weeks[].timeToDecision.p90 weeks[].approved weeks[].denied weeks[].expired weeks[].void weeks[].endedUntold weeks[].runs.ran weeks[].runs.succeeded weeks[].runs.failed weeks[].runs.ineffective weeks[].runs.unconfirmed weeks[].runs.cancelled weeks[].runs.denied weeks[].runs.expired weeks[].runs.remediated weeks[].runs.withoutPeople weeks[].runs.withoutPeopleShare weeks[].runs.ineffectiveShare weeks[].from weeks[].until weeks[].zone runbooks[].ran runbooks[].succeeded runbooks[].failed runbooks[].ineffective runbooks[].unconfirmed runbooks[].cancelled runbooks[].denied runbooks[].expired runbooks[].remediated runbooks[].withoutPeople runbooks[].withoutPeopleShare runbooks[].ineffectiveShare runbooks[].name rules[].ran rules[].succeeded rules[].failed rules[].ineffective rules[].unconfirmed rules[].cancelled rules[].denied rules[].expired rules[].remediated rules[].withoutPeople rules[].withoutPeopleShare rules[].ineffectiveShare rules[].name services[].ran services[].succeeded services[].failed services[].ineffective services[].unconfirmed services[].cancelled services[].denied services[].expired services[].remediated services[].withoutPeople services[].withoutPeopleShare services[].ineffectiveShare services[].name hours[].weekday hours[].hour hours[].opened hours[].ran hours[].ineffective hours[].asked noisiest[].name noisiest[].source noisiest[].opened noisiest[].delivered asked[].name asked[].asked asked[].atNight voters[].name voters[].approved voters[].denied voters[].atNight voters[].timeToVote.count voters[].timeToVote.mean voters[].timeToVote.median voters[].timeToVote.p90
      Step id type title state attempts exitCode output because waitingFor startedAt finishedAt
      VoteRequest vote plan reason
      `,
    );
  });
});

describe('what is kept for years', () => {
  test('entries of the journal: their version, streams, kinds and fields', () => {
    expect(entryVersion, 'A change of the format adds a version and keeps the old reader.').toBe(2);
    const streams = Object.values(streamOf).map(name => (typeof name === 'string' ? name : name('<id>')));
    words(
      'A stream',
      streams,
      `
      alert/<id> event/<id> picture/<id> run/<id> approval/<id> decision/<id> origin/<id> source/<id> letter/<id> gate/<id>
      known-bad/<id> permit/<id> held/<id> break-glass/<id> system
      `,
    );
    pinned(
      'A kind of event',
      actual.kindsOf(incomingEvent).filter(one => one.startsWith('change ')),
      `
      change title labels links occurredAt actor action resource before after account environment region address via outcome changeId
      `,
    );
    pinned(
      'A kind of entry',
      actual.kindsOf(fact),
      `
      event.accepted event effect alert episode end quiet
      alert.reopened alert episode event
      alert.acknowledged alert until reason
      alert.unacknowledged alert
      alert.silenced alert until reason by
      alert.unsilenced alert
      alert.closed alert episode reason
      alert.muted alert by until
      alert.unmuted alert
      alert.quiet alert since
      alert.noted alert text
      alert.pictured alert episode of picture because
      run.created run
      run.released run because
      run.started run token
      run.asking run step because
      run.noted run text
      run.finished run state because
      run.cancelling run reason
      run.amended run because state
      step.started run step type title attempt idempotent inputDigest token
      step.waiting run step waiting
      step.finished run step attempt state output exitCode because ending window log
      step.retrying run step attempt because wakeAt
      step.interrupted run step attempt because
      step.answered run step choice reason
      step.undone run step
      step.said run step text mention tone picture
      approval.requested approval
      approval.voted approval run vote
      approval.warned approval run person
      approval.escalated approval run to expiresAt
      approval.closed approval run state because
      decision.made event alert episode runbook params targets verdict rule because
      origin.told source what key alert episode run ok text
      source.refused source code at because more
      source.tested source example events
      source.recording source recording most until unproven reason
      source.recording-ended source recording
      letter.dead letter
      letter.retrying letter reason
      letter.settled letter state reason
      gate.asked gate
      gate.closed gate state because permit
      gate.revoked gate state because
      gate.noted gate text
      gate.told gate key ok text
      known-bad.added entry
      known-bad.ended entry reason
      known-bad.read feed digest entries
      permit.issued permit
      permit.ended permit because until
      permit.used permit principal address
      permit.refused from because
      change.held held
      change.judged held state because permit alert asks bypassed
      change.repeated held alert runbook because
      change.claimed held person reason approval
      change.settled held state because endedAt
      break-glass.opened window person reason permit until
      break-glass.ended window because listAt
      break-glass.closed window changes more
      digest.made digest
      halt.set reason
      halt.cleared reason
      act.refused act subject because
      rules.loaded digest runbooks rules
      node.started node version
      node.stopped node because
      `,
    );
  });

  test('documents, in entries and in tables', () => {
    const documents = { alert, approval, vote, button, card, letter, post, decision, event, plan, run, step, waiting };
    pinned(
      'A stored document',
      Object.entries(documents).map(([name, schema]) => [name, ...Object.keys(schema.shape)].join(' ')),
      `
      alert id source fingerprint title severity state labels annotations links trusted episode count firstSeen lastSeen lastFiring startsAt resolvedAt end reopenedAt newsAt acknowledgedBy acknowledgedUntil silencedUntil silencedBy silencedAtOrigin quietSince version
      approval id run gate claim step alert runbook planHash title question risk rule ask barred state votes because createdAt expiresAt closedAt escalated warned version
      vote person account via vote reason at standing confirmed
      button label style reason confirm notFor does
      card tone title badge blocks buttons mention risk
      letter id source from again code because attempts state firstAt lastAt version
      post platform key channel thread card wanted delivered ref order createdAt changed severity alert run over copies withheld renewed
      decision verdict rule because ask resolves
      event id source receivedAt raw trusted test body
      plan runbook files entry params targets secrets
      run id runbook title risk params targets planHash state trigger requestedBy reason undoes alert episode event parent decision after approval steps cancel because question createdAt startedAt finishedAt wakeAt crashes version
      step id type title state attempts idempotent inputDigest waiting exitCode output because ending window startedAt finishedAt
      waiting for wakeAt on since
      `,
    );
    const unions = { actor, block, act };
    pinned(
      'A kind of actor, block or act',
      Object.entries(unions).flatMap(([name, union]) => actual.kindsOf(union).map(kind => `${name} ${kind}`)),
      `
      actor person id via account
      actor stranger id via because
      actor service id via
      actor source id
      actor system id
      block text text
      block fields fields
      block facts facts
      block quote by text
      block small text
      block warnings items
      block code text
      block links links
      block progress done total startedAt finishedAt steps
      block picture id alt rows more
      block output run step tail live
      act run runbook params alert reason offer
      act vote approval vote reason seal confirmed
      act cancel run reason
      act answer run step choice question reason
      act acknowledge alert duration reason
      act unacknowledge alert
      act silence alert duration reason
      act unsilence alert
      act close alert reason episode
      act note alert run gate text
      act test source
      act record source deliveries duration unproven reason
      act unrecord recording
      act redrive letter reason
      act discard letter reason
      act gate gate door subject evidence callback once requesters denialStands glass
      act revoke gate reason
      act permit permit once
      act unpermit permit reason
      act claim change reason
      act break-glass reason duration
      act break-glass-end window reason
      act ban what alert reason duration blocks
      act unban entry reason
      act halt reason
      act resume reason
      `,
    );
  });

  test('states and other closed lists of words', () => {
    const lists = {
      alert: alertState,
      effect,
      run: runState,
      ending,
      step: stepState,
      stepEnding,
      approval: approvalState,
      letter: letterState,
      verdict,
      risk,
      trigger: triggerKind,
      severity,
      event: eventKind,
      tone,
      role,
    };
    pinned(
      'A closed list of words',
      Object.entries(lists).map(([name, list]) => [name, ...list.options].join(' ')),
      `
      alert firing resolved silenced
      effect opened refreshed resolved reopened stale acknowledged unseen unacknowledged
      run waiting queued running asking succeeded failed ineffective unconfirmed cancelled denied expired
      ending succeeded failed ineffective unconfirmed cancelled denied expired
      step pending running waiting done failed skipped unknown undone
      stepEnding failed ineffective unconfirmed
      approval open approved denied expired void
      letter dead retrying read discarded
      verdict auto approve notify deny
      risk none low medium high
      trigger event manual schedule runbook
      severity critical error warning info
      event alert tick notice change permit
      tone critical error warning info good neutral ask
      role all intake worker chat
      `,
    );
  });

  test('the database: tables with their columns, leases, cursors and claims; and the queue', async () => {
    const { tables, leases, cursors } = await actual.tracesOfProcess();
    pinned(
      'A table',
      tables,
      `
      alert id source fingerprint state first_seen version doc codec size packed base severity starts_at last_seen acked title labels found
      approval id run state created_at expires_at version doc
      auto_run runbook target at run
      blob digest bytes at codec size base
      claim space key at until
      cursor name value
      delivery source ring id at first count doc
      delivery_count source what count at
      document id kind state at due key other version doc
      halt id doc
      head id seq hash stamp
      journal seq stream pos kind bytes prev hash codec size packed
      lease name holder token until
      letter id source state first_at version doc
      look alert doc
      memo name value
      migration number name breaks at
      output run seq step doc codec size packed
      post id platform key channel thread ord wanted delivered changed doc codec size packed base
      probe id at
      recorded recording number doc body
      recording id at doc
      run id runbook alert parent state created_at wake_at version doc
      sighting source rule key at
      tally source rule key bucket value n arrived until sample
      `,
    );
    const taken = `
      duty/changes duty/doors duty/expect duty/feeds duty/known-bad duty/looks duty/origins duty/pictures duty/posts/<platform>
      duty/reconcile duty/records duty/road duty/sources duty/statistics duty/sweeper duty/threads duty/traces duty/undo node/<number>
      run/<id>
      `;
    words('A lease', leases, taken);
    words(
      'A cursor',
      cursors,
      `
      changes doors/told expect known-bad origin/pagerduty/page origin/pagerduty/tell pictures road statistics threads traces undo
      `,
    );
    const spaces =
      'auto break-glass change chat child-run delivery/${name} digest emission/${changesSource} emission/${name} gate gate-key gate-told key known-bad letter offer open-plan origin origin-silenced origin-tried permit-key permit-refused permit-told picture receiver/${source} receivers recording sign-out source-refused step-approval undo undo-same';
    words('A space of claims', actual.claimSpaces(), spaces);
    words('The queue in Redis', [prefix, queueName, ...Object.values(kinds)], 'tocsin bells now timer');
  });
});
