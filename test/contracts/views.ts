import type { DeliveryOutcome, DeliveryRecord } from '../../src/model/delivery.ts';
import type { RunbookView, SourceDetail } from '../../src/ports/chat.ts';
import type { Row } from '../../src/ports/store.ts';

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

export function sampleSource(over: Partial<SourceDetail> = {}): SourceDetail {
  return {
    name: 'hooks',
    type: 'webhook',
    about: 'Any JSON that something posts.',
    maxBody: 1_048_576,
    proof: true,
    trouble: null,
    url: 'https://tocsin.example.com/events/hooks',
    steps: ['Post to https://tocsin.example.com/events/hooks with the header Authorization: Bearer <its secret>.'],
    page: 'docs/sources.md#webhook',
    options: `auth:\n  bearer: "[redacted]"\nmap:\n  title: ${'body.'.repeat(60)}title`,
    ...over,
  };
}

/** A delivery of each kind, with texts as long as they get. */
export function sampleDeliveries(source: string, at = 1000): Row[] {
  const row = (over: Partial<DeliveryRecord>, outcome: DeliveryOutcome): Row => {
    const base = { source, ring: 'proven', at, first: at, count: 1, address: '192.0.2.7', bytes: 1234 } as const;
    return { table: 'delivery', doc: { ...base, id: `dlv_${JSON.stringify(outcome).length}`, ...over, outcome } };
  };
  const one = { event: 'evt_1', kind: 'alert', alert: 'alt_1', episode: 1, duplicate: false } as const;
  const taken = { what: 'accepted', echo: null, test: false, total: 1 } as const;
  const refused = { what: 'refused', code: 'bad-signature', at: null, because: 'no signature' } as const;
  const counts = ['accepted', 'events', 'duplicate', 'refused/bad-signature'];
  return [
    row(
      { id: 'a' },
      {
        ...taken,
        events: [
          { ...one, effect: 'opened' },
          { ...one, effect: 'stale' },
        ],
        total: 200,
      },
    ),
    row({ id: 'b' }, { ...taken, events: [{ ...one, effect: null, duplicate: true }] }),
    row({ id: 'c' }, { ...taken, events: [{ ...one, kind: 'notice', alert: null, episode: null, effect: null }] }),
    row({ id: 'd', address: null }, { ...taken, events: [], total: 0, test: true }),
    row({ id: 'e' }, { ...taken, events: [], total: 0, echo: 'note' }),
    row({ id: 'f', ring: 'stranger', count: 12_345, address: '2001:db8::1', bytes: null }, refused),
    row({ id: 'g', ring: 'stranger', count: 7, address: null }, { ...refused, because: 'x'.repeat(400) }),
    row({ id: 'h' }, { ...refused, code: 'bad-body', at: `alerts.${'3.labels.'.repeat(20)}`, because: '<b>no</b>' }),
    ...counts.map((what): Row => ({ table: 'delivery_count', doc: { source, what, count: 12_345_678, at } })),
  ];
}
