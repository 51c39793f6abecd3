import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hasMembers, loadShelf } from '../src/kernel/shelf.ts';
import type { StepExample, StepType } from '../src/ports/step.ts';
import { makeStepContext, sampleWeb } from './doubles/step-context.ts';

const steps = await loadShelf<StepType>(
  fileURLToPath(new URL('../src/steps', import.meta.url)),
  hasMembers('about', 'input', 'output', 'examples', 'show', 'run'),
);

async function runExample(type: StepType, example: StepExample): Promise<unknown> {
  const parsed = type.input.safeParse(example.input);
  if (!parsed.success) return { refused: JSON.stringify(parsed.error.issues) };
  expect(type.show(parsed.data)).not.toBe('');
  const { context } = await makeStepContext({ fetch: sampleWeb });
  try {
    const result = await type.run(parsed.data, context);
    if (result.state === 'done') type.output.parse(result.output);
    return result;
  } catch (error) {
    return { state: 'failed', because: error instanceof Error ? error.message : String(error) };
  }
}

describe.each([...steps.values()].map(type => [type.id, type] as const))('the examples of %s', (_id, type) => {
  it('has examples, and a sentence about it', () => {
    expect(type.examples.length).toBeGreaterThan(1);
    expect(type.about.length).toBeGreaterThan(5);
  });

  it.each(type.examples.map(example => [example.title, example] as const))('%s', async (_title, example) => {
    const result = await runExample(type, example);
    const { expect: wanted } = example;
    if ('refused' in wanted) return expect(result).toMatchObject({ refused: expect.stringContaining(wanted.refused) });
    if (wanted.state === 'failed')
      return expect(result).toMatchObject({ state: 'failed', because: expect.stringContaining(wanted.because ?? '') });
    expect(result).toMatchObject(wanted);
  });

  it('changes nothing in a dry run', async () => {
    for (const example of type.examples) {
      const parsed = type.input.safeParse(example.input);
      if (!parsed.success) continue;
      const refuse = async () => {
        throw new Error('a dry run touched the world');
      };
      const { context } = await makeStepContext({
        dry: true,
        spawn: refuse,
        fetch: refuse,
        post: refuse,
        approval: refuse,
        child: refuse,
      });
      expect((await type.run(parsed.data, context)).state).toBe('done');
    }
  });
});
