import { expect, test } from 'vitest';
import type { ParamView } from '../../src/ports/chat.ts';
import { typedValue } from '../../src/ports/command-answer.ts';
import { written } from '../load/written.ts';

const param = (type: ParamView['type']): ParamView => ({
  name: 'x',
  type,
  about: '',
  required: true,
  default: null,
  options: [],
});

/** What is typed into a chat command or a form. */
test.each(['string', 'enum', 'person'] as const)('a %s keeps its text', type => {
  expect(written.map(text => typedValue(param(type), text))).toEqual([...written]);
});

test('a number is one only as JSON writes it; another text goes on, and the runbook refuses it', () => {
  const given = ['12', '-0.5', '1e3', '', ' 5', '012', '0x1F', '+5', 'Infinity', '12345678901234567890'];
  expect(given.map(text => typedValue(param('number'), text))).toEqual([12, -0.5, 1000, ...given.slice(3)]);
});
