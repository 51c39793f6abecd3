import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCode } from '../../../src/kernel/errors.ts';
import type { IncomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/cloudevents/index.ts';
import { delivery, payload, refusal, take } from '../helpers.ts';

const json = { 'Content-Type': 'application/cloudevents+json' };
const batch = { 'Content-Type': 'application/cloudevents-batch+json; charset=utf-8' };

/** What is shown of attributes and data: labels, and a title that is the data as text. */
const shown = { map: { labels: { data: 'data' } } };
const plain = { specversion: '1.0', id: '1', source: '/s', type: 't' };

const structured = (more: object, options: object = {}) =>
  take(source, delivery(JSON.stringify({ ...plain, ...more }), json), options);
const binary = (headers: Record<string, string>, body: Buffer | string = '', options: object = shown) =>
  take(
    source,
    delivery(body, { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', ...headers }),
    options,
  );
const labelsOf = ({ events }: { events: readonly IncomingEvent[] }) => ({ ...events[0]?.labels });
const refused = (act: () => unknown) => {
  const { code, at, allowed } = refusal(act);
  return [code, at, allowed];
};

describe('an event as one JSON document', () => {
  it('has attributes of every type as texts; null is not set', () => {
    expect(labelsOf(structured({ n: -2147483648, yes: true, word: 'ä', none: null, subject: null }))).toEqual({
      type: 't',
      source: '/s',
      n: '-2147483648',
      yes: 'true',
      word: 'ä',
    });
  });

  it.each<[string, object, string]>([
    ['another version', { specversion: '0.3' }, 'specversion'],
    ['no version', { specversion: null }, 'specversion'],
    ['an empty id', { id: '' }, 'id'],
    ['a number as id', { id: 7 }, 'id'],
    ['no id', { id: undefined }, 'id'],
    ['an empty source', { source: '' }, 'source'],
    ['a source with a space', { source: 'my service' }, 'source'],
    ['a source with a bad percent', { source: '/a%zz' }, 'source'],
    ['no type', { type: undefined }, 'type'],
    ['a type that is no text', { type: true }, 'type'],
    ['an empty subject', { subject: '' }, 'subject'],
    ['a time without a zone', { time: '2026-11-20T11:00:03' }, 'time'],
    ['a time in seconds', { time: 1795604410 }, 'time'],
    ['a content type that is none', { datacontenttype: 'json' }, 'datacontenttype'],
    ['a schema that is no absolute URI', { dataschema: '/schema' }, 'dataschema'],
    ['a control character', { subject: 'a\nb' }, 'subject'],
    ['half of a character', { id: '\ud800' }, 'id'],
    ['a noncharacter', { note: '\ufffe' }, 'attributes'],
    ['a name in capitals', { Host: 'a' }, 'attributes'],
    ['a name with a hyphen', { 'my-host': 'a' }, 'attributes'],
    ['an empty name', { '': 'a' }, 'attributes'],
    ['a fraction', { n: 1.5 }, 'attributes'],
    ['an integer of more than 32 bits', { n: 2147483648 }, 'attributes'],
    ['a list', { n: ['a'] }, 'attributes'],
    ['data twice', { data: 1, data_base64: 'AQ==' }, 'data'],
    ['data that is no base64', { data_base64: 'A Q=' }, 'data_base64'],
    ['data that is no text of base64', { data_base64: 7 }, 'data_base64'],
    ['data that is not of its type', { data_base64: 'AQ==', datacontenttype: 'application/json' }, 'data_base64'],
  ])('with %s is refused, with the place and nothing of the sender', (_what, more, at) => {
    expect(refused(() => structured(more))).toEqual(['bad-body', at, expect.any(String)]);
  });

  it.each<[string, object, string]>([
    ['JSON without a type', { data: { a: 1 } }, '{"a":1}'],
    ['a text that looks like JSON, as JSON', { data: '{"a":1}', datacontenttype: 'a/b+json' }, '{"a":1}'],
    ['a text of another type', { data: '<a/>', datacontenttype: 'application/xml' }, '<a/>'],
    [
      'bytes of JSON',
      { data_base64: Buffer.from('{"a":1}').toString('base64'), datacontenttype: 'text/json' },
      '{"a":1}',
    ],
    ['bytes of a text', { data_base64: 'w7w=', datacontenttype: 'text/plain' }, 'ü'],
    ['bytes in a charset', { data_base64: '/A==', datacontenttype: 'text/plain; charset=latin1' }, 'ü'],
    ['bytes that are no text', { data_base64: 'AQL/', datacontenttype: 'application/octet-stream' }, ''],
    ['none', {}, ''],
  ])('with data: %s', (_what, more, text) => {
    const options = { map: { labels: { data: 'type(data) == map ? "{\\"a\\":" + string(int(data.a)) + "}" : data' } } };
    expect(labelsOf(structured(more, options))['data'] ?? '').toBe(text);
  });

  it('of 64 KiB and more is taken, also as one text', () => {
    const data = Buffer.alloc(500_000, 1).toString('base64');
    expect(structured({ data_base64: data }).events).toHaveLength(1);
    expect(structured({ data: 'x'.repeat(900_000) }).events).toHaveLength(1);
  });

  it('is taken with any parameter of its content type, and in its charset', () => {
    const body = Buffer.from(`\ufeff${JSON.stringify({ ...plain, subject: 'ü' })}`, 'utf16le');
    const headers = { 'Content-Type': 'Application/CloudEvents+JSON ; charset="utf-16"' };
    expect(labelsOf(take(source, delivery(body, headers), {}))['subject']).toBe('ü');
  });

  it('is refused under another content type, and in an event format that is not JSON', () => {
    const body = JSON.stringify(plain);
    expect(refused(() => take(source, delivery(body, { 'Content-Type': 'application/json' }), {}))).toEqual([
      'bad-body',
      'specversion',
      expect.stringContaining('application/cloudevents+json'),
    ]);
    expect(refused(() => take(source, delivery(body), {}))[0]).toBe('bad-body');
    for (const type of ['application/cloudevents+avro', 'application/cloudevents', 'application/cloudevents-batch'])
      expect(refused(() => take(source, delivery(body, { 'Content-Type': type }), {}))[0]).toBe('wrong-content-type');
  });
});

describe('an event in binary mode', () => {
  it('has the attributes of the sample, and its data', () => {
    const headers = JSON.parse(payload('cloudevents/binary.headers.json').toString());
    const given = delivery(payload('cloudevents/binary.body.json'), headers);
    expect(labelsOf(take(source, given, { map: { labels: { used: 'data.used' } } }))).toEqual({
      type: 'example.acme.alert.fired',
      source: '//ci.acme.example/checkout',
      subject: 'db-prod-3/disk',
      severity: 'critical',
      used: '0.92',
    });
  });

  it.each([
    ['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'],
    ['%c3%bc', 'ü'],
    ['%41%42', 'AB'],
    ['%2525', '%25'],
    ['100%', '100%'],
    ['50% off', '50% off'],
    ['"a \\"quoted\\" \\\\ text"', 'a "quoted" \\ text'],
    ['"%41%22"', 'A"'],
    ['%22a%22', '"a"'],
    ['say "a"', 'say "a"'],
    [Buffer.from('für €').toString('latin1'), 'für €'],
    ['für', 'für'],
  ])('with the header %j has the text %j', (header, text) => {
    expect(labelsOf(binary({ 'ce-note': header }))['note']).toBe(text);
  });

  it.each<[string, Record<string, string>, string]>([
    ['an overlong encoding', { 'ce-subject': '%C0%A0' }, 'attributes'],
    ['half of an encoding', { 'ce-subject': 'a%E2%82' }, 'attributes'],
    ['an encoded line end', { 'ce-subject': 'a%0Ab' }, 'subject'],
    ['another version', { 'ce-specversion': '0.3' }, 'specversion'],
    ['the content type twice', { 'ce-datacontenttype': 'text/plain' }, 'datacontenttype'],
    ['data in a header', { 'ce-data': 'x' }, 'attributes'],
    ['a name with a hyphen', { 'ce-my-host': 'x' }, 'attributes'],
    ['an empty attribute', { 'ce-subject': '' }, 'subject'],
  ])('with %s is refused', (_what, headers, at) => {
    expect(refused(() => binary(headers))).toEqual(['bad-body', at, expect.any(String)]);
  });

  it('lacks an attribute: the first that is missing is named', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1' };
    expect(refused(() => take(source, delivery('', headers), {}))).toEqual(['bad-body', 'source', expect.any(String)]);
  });

  it.each<[string, string, string | Buffer, string]>([
    ['JSON', 'application/json', '"x"', 'x'],
    ['JSON with a suffix', 'application/vnd.acme+json; charset=utf-8', '"x"', 'x'],
    ['text', 'text/plain', '"x"', '"x"'],
    ['text in Latin-1', 'text/plain; charset=iso-8859-1', Buffer.from([0xfc]), 'ü'],
    ['bytes', 'application/octet-stream', Buffer.from([1, 2, 255]), ''],
    ['text in a charset that nobody knows', 'text/plain; charset=klingon', 'x', ''],
    ['nothing', 'application/json', '', ''],
  ])('with %s as data', (_what, type, body, text) => {
    expect(labelsOf(binary({ 'content-type': type }, body))['data'] ?? '').toBe(text);
  });

  it('with data that is not the JSON that it says is refused, as strictly as any body', () => {
    for (const body of ['hello', '{"a":1,"a":2}', '{"a":1}{}', '['.repeat(100)])
      expect(refused(() => binary({ 'content-type': 'application/json' }, body))[0]).toBe('bad-body');
  });
});

describe('a batch', () => {
  const taken = (events: unknown, options: object = {}) =>
    take(source, delivery(JSON.stringify(events), batch), options);

  it('makes an event of each, in order, and gives each its source and id', () => {
    const { events, eventIds, deliveryId } = take(source, delivery(payload('cloudevents/batch.json'), batch), {
      types: { 'example.acme.alert.fired': 'firing', 'example.acme.alert.resolved': 'resolved' },
    });
    expect(events).toMatchObject([
      { kind: 'alert', state: 'firing', severity: 'critical' },
      { kind: 'alert', state: 'resolved', severity: 'info' },
    ]);
    const [fired, resolved] = events.map(event => (event.kind === 'alert' ? event.fingerprint : null));
    expect(resolved).toBe(fired);
    expect(deliveryId).toBeNull();
    expect(eventIds).toEqual([
      '//ci.acme.example/checkout A234-1234-1234',
      '//ci.acme.example/checkout A234-1234-1235',
    ]);
  });

  it('without events is nothing', () => {
    expect(taken([])).toEqual({ events: [], deliveryId: null, eventIds: [] });
  });

  it('with bad events takes the good ones and tells of the others by their places', () => {
    const { events, eventIds } = taken([7, plain, { ...plain, specversion: '0.3' }, { ...plain, id: '2', Bad: 'x' }]);
    expect(events.map(event => event.title)).toEqual([
      't: /s',
      '3 of 4 elements could not be taken: 0, 2.specversion, 3.attributes',
    ]);
    expect(eventIds).toEqual(['/s 1', null]);
  });

  it('without a good event, that is no list, or of more than a thousand, is refused', () => {
    expect(refused(() => taken([{ ...plain, time: 'now' }]))).toEqual(['bad-body', '0.time', expect.any(String)]);
    expect(refused(() => taken(plain))).toEqual(['bad-body', 'the document', 'a list of events']);
    expect(taken(Array.from({ length: 1000 }, (_, n) => ({ ...plain, id: `${n}` }))).events).toHaveLength(1000);
    expect(refused(() => taken(Array(1001).fill(plain)))[0]).toBe('bad-body');
  });
});

describe('what nobody expects', () => {
  it('hostile files are refused or are data', () => {
    const folder = new URL('../../fixtures/payloads/hostile/', import.meta.url);
    for (const file of readdirSync(folder)) {
      const body = readFileSync(new URL(file, folder));
      for (const headers of [json, batch, { ...json, 'Content-Type': 'application/json', 'ce-id': '1' }])
        expect(
          isCode(
            refusal(() => take(source, delivery(body, headers), {})),
            'bad-body',
          ),
          file,
        ).toBe(true);
      const made = file.endsWith('.json') ? refusedOr(() => binary({ 'content-type': 'application/json' }, body)) : [];
      for (const event of made) expect(event.kind).toBe('notice');
    }
  });

  it('any attributes and data are taken or refused', () => {
    const some = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(some, some, (more, data) => {
        refusedOr(() => structured({ ...more, data }));
        refusedOr(() => structured({ ...plain, ...more, specversion: '1.0' }));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), value => {
        refusedOr(() => binary({ 'ce-note': value, 'ce-subject': `a${value}` }));
      }),
    );
  });
});

function refusedOr(act: () => { events: IncomingEvent[] }): IncomingEvent[] {
  try {
    return act().events;
  } catch (error) {
    if (isCode(error, 'bad-body')) return [];
    throw error;
  }
}
