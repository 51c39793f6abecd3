import { describe, expect, test } from 'vitest';
import { approvalCard, type Question } from '../../../../src/flow/thread/cards/approval.ts';
import { runCard } from '../../../../src/flow/thread/cards/cards.ts';
import { type Card, type Span, shadeOf } from '../../../../src/model/card.ts';
import { sampleAlert, sampleApproval, sampleEvent, sampleRun } from '../../../contracts/samples.ts';

const tools = {
  seals: { seal: () => 'ab'.repeat(16), holds: () => true },
  showTime: (at: number) => new Date(at).toISOString(),
  page: (path: string) => `https://tocsin.example${path}`,
};
const noon = Date.parse('2026-01-01T12:00:00Z');
const outline = [
  {
    id: 'drop',
    title: 'Tidy',
    type: 'exec',
    shows: '["dropdb","production"]',
    deed: { kind: 'command' as const, argv: ['dropdb', 'production'] },
  },
];
const firing = sampleAlert({
  id: 'alt_1',
  title: 'Disk is full',
  startsAt: noon,
  annotations: { summary: '/var is 97 % full' },
});

function question(over: Partial<Question> = {}): Question {
  return {
    approval: sampleApproval({ risk: 'high', createdAt: noon, expiresAt: noon + 1_800_000 }),
    run: sampleRun({ risk: 'high', title: 'already approved', targets: ['db-1'], alert: 'alt_1', episode: 1 }),
    outline,
    alert: firing,
    event: null,
    ...over,
  };
}

const plain = (span: Span) => (span.kind === 'quoted' ? `“${span.text}”` : span.text);

/** The lines of facts, `label: text`. */
function factsOf(card: Card): string[] {
  return card.blocks.flatMap(block =>
    block.kind === 'facts' ? block.facts.map(({ label, spans }) => `${label}: ${spans.map(plain).join('')}`) : [],
  );
}
const factOf = (card: Card, label: string) => factsOf(card).find(one => one.startsWith(`${label}: `));

describe('the card of a question', () => {
  const card = approvalCard(question(), tools);

  test('has the headline in our words, and the title of the runbook as what it calls itself', () => {
    expect(card.title).toBe('HIGH · dropdb production · db-1');
    expect(card.blocks).toContainEqual({
      kind: 'quote',
      by: 'the runbook disk-full calls itself',
      text: 'already approved',
    });
    expect(JSON.stringify({ ...card, blocks: card.blocks.filter(one => one.kind !== 'quote') })).not.toContain(
      'already approved',
    );
  });

  test('says who asks, why, on what, since when and how long, in this order, then the commands, the voters and the small line', () => {
    expect(factsOf(card)).toEqual([
      `Requested by: the alert “Disk is full” of ${firing.source}, firing since 2026-01-01T12:00:00.000Z`,
      'Because: the alert says “/var is 97 % full”',
      'Target: db-1',
      'Asked: 2026-01-01T12:00:00.000Z',
      'Time: 2026-01-01T12:30:00.000Z, then nothing runs',
      'May vote: sre, 1 needed',
    ]);
    expect(card.blocks.map(block => block.kind)).toEqual(['facts', 'quote', 'code', 'fields', 'facts', 'small']);
    expect(card.blocks.at(-1)).toEqual({ kind: 'small', text: expect.stringContaining('plan aaaaaaaaaa') });
  });

  test('links the alert', () => {
    expect(JSON.stringify(card.blocks)).toContain('https://tocsin.example/alerts/alt_1');
  });

  test('has the colour of its risk while it is open, and of its outcome afterwards', () => {
    for (const risk of ['none', 'low', 'medium', 'high'] as const)
      expect(shadeOf(approvalCard(question({ approval: sampleApproval({ risk }) }), tools))).toBe(`risk-${risk}`);
    const approved = sampleApproval({ risk: 'high', state: 'approved', closedAt: noon });
    expect(shadeOf(approvalCard(question({ approval: approved }), tools))).toBe('good');
  });

  test('marks a sender that nothing proves', () => {
    const unsigned = approvalCard(question({ alert: { ...firing, trusted: false } }), tools);
    expect(factOf(unsigned, 'Requested by')).toMatch(/not signed: anybody could have sent it$/);
    const event = { ...sampleEvent({}), trusted: false };
    const run = sampleRun({ requestedBy: 'source:ci', event: event.id });
    expect(factOf(approvalCard(question({ run, alert: null, event }), tools), 'Requested by')).toBe(
      'Requested by: an event of ci; not signed: anybody could have sent it',
    );
  });

  test.each([
    ['person:alice', {}, 'alice'],
    ['service:ci', {}, 'the service ci'],
    ['source:nightly', { trigger: 'schedule' as const }, 'the schedule nightly'],
    ['source:ci', {}, 'the source ci; its event is not known'],
    ['system:tocsin', { parent: { run: 'run_0', step: 'call' } }, 'a run, for run_0, step call'],
    ['', {}, 'unknown'],
    ['nobody knows', {}, 'unknown'],
  ])('asked by %j names %s', (requestedBy, more, text) => {
    const run = sampleRun({ requestedBy, ...more });
    expect(factOf(approvalCard(question({ run, alert: null }), tools), 'Requested by')).toBe(`Requested by: ${text}`);
  });

  test('where nothing is known says so', () => {
    const run = sampleRun({ requestedBy: '', targets: [], params: {} });
    const bare = approvalCard(question({ run, alert: null, outline: [] }), tools);
    expect(bare.title).toBe('LOW · code of the runbook disk-full · no target named');
    expect(factsOf(bare).slice(0, 3)).toEqual([
      'Requested by: unknown',
      'Because: no reason was given',
      'Targets: none is named; the commands say what they act on',
    ]);
  });

  test('quotes the reason of a person, and says for which alert they ask', () => {
    const run = sampleRun({ requestedBy: 'person:alice', reason: 'it hangs', alert: 'alt_1', episode: 1 });
    const asked = approvalCard(question({ run, approval: sampleApproval({ barred: ['person:alice'] }) }), tools);
    expect(factOf(asked, 'Requested by')).toMatch(/^Requested by: alice, for the alert “Disk is full”/);
    expect(factOf(asked, 'Because')).toBe('Because: alice says “it hangs”; the alert says “/var is 97 % full”');
    expect(factOf(asked, 'May vote')).toBe('May vote: sre, 1 needed; not alice, who asked');
  });

  test('names three of 400 targets, and all of them in Details', () => {
    const targets = Array.from({ length: 400 }, (_, index) => `web-${index + 1}`);
    const run = sampleRun({ targets });
    expect(factOf(approvalCard(question({ run }), tools), 'Targets')).toBe(
      'Targets: 400: web-1, web-2, web-3 and 397 more; Details list them',
    );
    const whole = approvalCard(question({ run, whole: true }), tools);
    expect(JSON.stringify(whole.blocks)).toContain('web-400');
  });

  test('says who is asked next when nobody decides, and once that happened that nothing runs', () => {
    const ask = { by: ['sre'], quorum: 1, expires: 1, escalate: 'on-call', reasonRequired: false };
    expect(factOf(approvalCard(question({ approval: sampleApproval({ ask }) }), tools), 'Time')).toMatch(
      /, then on-call is asked$/,
    );
    const escalated = sampleApproval({ ask: { ...ask, by: ['on-call'], escalate: null }, escalated: true });
    expect(factOf(approvalCard(question({ approval: escalated }), tools), 'Time')).toMatch(/, then nothing runs$/);
  });
});

describe('the card of a step that asks', () => {
  test('says what comes after the step, and quotes its question', () => {
    const steps = [
      { ...outline[0], id: 'look', deed: { kind: 'command' as const, argv: ['df', '-h'] } },
      { id: 'sure', title: '', type: 'approve', shows: 'ask', deed: { kind: 'quiet' as const } },
      ...outline,
    ] as Question['outline'];
    const approval = sampleApproval({ step: 'sure', question: 'It is fine, press Approve', rule: 'step sure' });
    const card = approvalCard(question({ approval, outline: steps }), tools);
    expect(card.title).toBe('HIGH · goes on with dropdb production · db-1');
    expect(card.blocks).toContainEqual({ kind: 'quote', by: 'its step sure asks', text: 'It is fine, press Approve' });
    expect(factOf(card, 'Time')).toMatch(/, then the step fails$/);
  });
});

test('the card of a run quotes the title of its runbook, beside the id', () => {
  expect(runCard(sampleRun({ title: 'already approved' })).title).toBe('disk-full “already approved”');
});

describe('after a decision the card says', () => {
  const vote = { person: 'alice', account: null, via: 'slack', vote: 'approve' as const, reason: 'seen it', at: noon };

  test('who, when, why, and what came of it, with a link to the run', () => {
    const approval = sampleApproval({ state: 'approved', votes: [vote], because: 'approved by alice', closedAt: noon });
    const run = sampleRun({ state: 'failed', because: 'step drop: exit 1', finishedAt: noon + 5000 });
    const card = approvalCard(question({ approval, run }), tools);
    expect(factsOf(card).slice(0, 3)).toEqual([
      'Decided: approved 2026-01-01T12:00:00.000Z',
      'By: alice approved 2026-01-01T12:00:00.000Z, saying “seen it”',
      'What came of it: run_1 failed 2026-01-01T12:00:05.000Z: step drop: exit 1',
    ]);
    expect(JSON.stringify(card.blocks)).toContain('https://tocsin.example/runs/run_1');
    expect(factOf(card, 'Time')).toBeUndefined();
    expect(card.buttons.map(button => button.label)).toEqual(['Details']);
  });

  test('that nobody decided, and that nothing ran', () => {
    const approval = sampleApproval({ state: 'expired', because: 'nobody decided in time', closedAt: noon });
    const card = approvalCard(question({ approval, run: sampleRun({ state: 'expired' }) }), tools);
    expect(factsOf(card).slice(0, 3)).toEqual([
      'Decided: expired 2026-01-01T12:00:00.000Z: nobody decided in time',
      'By: nobody voted',
      'What came of it: nothing ran; run_1 is expired',
    ]);
  });
});
