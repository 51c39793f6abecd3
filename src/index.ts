/** The public API, which runbooks, commands and drivers import as `tocsin`. */
export { z } from 'zod';
export type { Json } from './kernel/canonical.ts';
export { showDuration } from './kernel/duration.ts';
export { TocsinError } from './kernel/errors.ts';
export { nearest } from './kernel/nearest.ts';
export { nameOf } from './model/actor.ts';
export type { Alert } from './model/alert.ts';
export type { Approval } from './model/approval.ts';
export type { Block, Card } from './model/card.ts';
export type { Gate } from './model/gates/gate.ts';
export { subjectText } from './model/gates/subject.ts';
export type { Entry } from './model/journal.ts';
export { shortHash } from './model/plan.ts';
export { isEnded, type Run } from './model/run.ts';
export type {
  ChatHost,
  CommandAnswer,
  CommandContext,
  Explanation,
  GateExplanation,
  RunbookView,
} from './ports/chat.ts';
export { defineChat } from './ports/chat.ts';
export { type Command, type CommandInput, defineCommand } from './ports/command.ts';
export { readAlertWords, readDuration } from './ports/command-alert.ts';
export {
  answer,
  answerAct,
  chooseApproval,
  describeParam,
  fieldsOf,
  paramsFrom,
  pickByPrefix,
  pickRunbook,
  refuse,
} from './ports/command-answer.ts';
export { readBanWords } from './ports/command-ban.ts';
export { defineRunbook } from './ports/define-runbook.ts';
export { defineDispatcher } from './ports/dispatcher.ts';
export { defineSource } from './ports/source.ts';
export { defineStep } from './ports/step.ts';
export { defineStore } from './ports/store.ts';
