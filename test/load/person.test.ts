import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCatalogue } from '../../src/load/index.ts';
import { compileTsRunbook } from '../../src/load/runbook-ts.ts';
import { defineRunbook } from '../../src/ports/define-runbook.ts';
import type { ParamSet } from '../../src/ports/runbook.ts';
import { brief, config, makePlace } from './place.ts';

const page = (param: string) =>
  `title: Page\nrisk: low\nparams:\n  who: ${param}\nsteps: [{ id: a, exec: [echo, "\${{ params.who }}"] }]\n`;

async function open(param: string) {
  const place = await makePlace({ 'runbooks/a.yaml': page(param) });
  const catalogue = await createCatalogue(place.parts);
  const close = async () => {
    await catalogue.close();
    await place.remove();
  };
  return { place, catalogue, close };
}

function refusal(params: ParamSet, given: Parameters<ParamSet['parse']>[0]): string {
  try {
    return `taken: ${JSON.stringify(params.parse(given))}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a parameter that is a person', () => {
  it('takes the ids under people:, and names the nearest for others', async () => {
    const { catalogue, close } = await open('{ type: person }');
    const runbook = catalogue.current().runbooks.get('a');
    if (runbook === undefined) throw new Error('no runbook');
    expect(runbook.params.parse({ who: 'sam' })).toEqual({ who: 'sam' });
    expect(refusal(runbook.params, { who: 'samm' })).toContain(
      'who is nobody in people of tocsin.yaml; did you mean "sam"? (allowed: you, sam)',
    );
    // A group is no person, and what every object has is no entry.
    for (const who of ['sre', 'constructor', '__proto__', '', '-rf', 'Sam', ' sam', 7, true, ['sam'], { id: 'sam' }])
      expect(refusal(runbook.params, { who })).toContain('who is nobody in people');
    expect(refusal(runbook.params, {})).toContain('who is missing');
    expect(runbook.view.params).toEqual([
      { name: 'who', type: 'person', about: '', required: true, default: null, options: ['you', 'sam'] },
    ]);
    await close();
  });

  it('is checked against the people that are loaded when the run is asked for', async () => {
    const { place, catalogue, close } = await open('{ type: person }');
    await place.write({ 'tocsin.yaml': config.replace('sam: {} }', 'sam: {}, zoe: {} }') });
    await catalogue.reload();
    expect(catalogue.current().runbooks.get('a')?.params.parse({ who: 'zoe' })).toEqual({ who: 'zoe' });
    await close();
  });

  it('has a default who is somebody', async () => {
    await expect(open('{ type: person, default: sma }')).rejects.toThrow(/the default is nobody.*did you mean "sam"/s);
    const { catalogue, close } = await open('{ type: person, default: sam }');
    expect(catalogue.current().runbooks.get('a')?.params.parse({})).toEqual({ who: 'sam' });
    await close();
  });

  const compile = (who: z.ZodType, people: readonly string[] | null = ['you', 'sam']) =>
    compileTsRunbook(
      'a',
      'a.ts',
      'a.ts',
      new Map(),
      defineRunbook({ title: 'A', risk: 'low', params: z.object({ who }), run: async () => {} }),
      people,
    );

  it('is said in TypeScript by meta', () => {
    const { draft } = compile(z.string().meta({ person: true }).describe('Who is called'));
    if (draft === null) throw new Error('it does not compile');
    expect(draft.runbook.view.params).toMatchObject([
      { type: 'person', about: 'Who is called', required: true, options: ['you', 'sam'] },
    ]);
    expect(draft.runbook.params.parse({ who: 'you' })).toEqual({ who: 'you' });
    expect(refusal(draft.runbook.params, { who: 'yuo' })).toContain('did you mean "you"?');
    const optional = compile(z.string().meta({ person: true }).optional());
    expect(optional.draft?.runbook.params.parse({})).toEqual({});
    const standard = compile(z.string().meta({ person: true }).default('nina'));
    expect(brief(standard.faults.list, '').join()).toContain('the default is nobody in people of tocsin.yaml');
  });

  it('is taken as it was checked where a stored plan is read without tocsin.yaml', () => {
    const { draft } = compile(z.string().meta({ person: true }), null);
    expect(draft?.runbook.params.parse({ who: 'gone-since' })).toEqual({ who: 'gone-since' });
    if (draft !== null) expect(refusal(draft.runbook.params, { who: '$(id)' })).toContain('who is nobody');
  });
});
