import type { RunbookView } from '../../src/ports/chat.ts';

/** Runbooks as a platform is shown them, with everything filled in, for tests that care about one field at a time. */
export type ParamView = RunbookView['params'][number];

export function sampleParam(name: string, over: Partial<ParamView> = {}): ParamView {
  return { name, type: 'string', about: '', required: true, default: null, options: [], ...over };
}

export function sampleRunbook(over: Partial<RunbookView> = {}): RunbookView {
  return { id: 'look', title: 'Look', about: '', risk: 'low', params: [], steps: [], on: [], kind: 'yaml', ...over };
}

/** Two parameters that are people of `alice` and `bob`: who is called, and a deputy who is bob where nobody is named. */
export function peopleParams(over: Partial<ParamView> = {}): ParamView[] {
  const common = { type: 'person' as const, options: ['alice', 'bob'], ...over };
  return [sampleParam('owner', common), sampleParam('deputy', { ...common, required: false, default: 'bob' })];
}
