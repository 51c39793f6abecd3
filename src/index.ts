/** The public entry: what runbooks, commands and drivers import as `tocsin`. */
export { z } from 'zod';
export { TocsinError } from './kernel/errors.ts';
export { defineChat } from './ports/chat.ts';
export { defineCommand } from './ports/command.ts';
export { defineRunbook } from './ports/define-runbook.ts';
export { defineDispatcher } from './ports/dispatcher.ts';
export { defineSource } from './ports/source.ts';
export { defineStep } from './ports/step.ts';
export { defineStore } from './ports/store.ts';
