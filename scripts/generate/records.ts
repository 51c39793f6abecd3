import { formats, type RecordFormat } from '../../src/model/records/records.ts';

const generated = 'This page is generated from the source code: change it there and run `npm run generate`.';

/** docs/reference/records.md: the formats of raw records, with their fields and examples, which are tests too. */
export default function generateRecords(): Record<string, string> {
  const parts = Object.values(formats).map(formatPart);
  const about =
    'What `format` of a source of [raw logs](../records.md) may be. A member that is not there is left out.';
  return { 'docs/reference/records.md': `${['# Formats of raw logs', generated, about, ...parts].join('\n\n')}\n` };
}

function formatPart({ id, about, fields, examples }: RecordFormat): string {
  const names =
    fields === null
      ? null
      : Object.entries(fields).map(([name, type]) => (type === 'string' ? `\`${name}\`` : `\`${name}\` (${type})`));
  return [
    `## ${id}`,
    about,
    names === null ? 'A record has the members that were written.' : `Fields: ${names.join(', ')}.`,
    ...examples.map(example => {
      const given = Object.entries(example.options ?? {}).map(([name, value]) => `\`${name}: ${value}\``);
      const records = example.records.map(({ at, fields: members }) =>
        JSON.stringify({ ...(at == null ? {} : { at }), ...members }),
      );
      const faults = (example.faults ?? []).map(cause => `not a record: ${cause}`);
      return [
        `${example.title}${given.length === 0 ? '' : `, with ${given.join(', ')}`}:`,
        fence(example.input.trimEnd()),
        'is',
        fence([...records, ...faults].join('\n')),
      ].join('\n\n');
    }),
  ].join('\n\n');
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}
