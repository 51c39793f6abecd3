import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { incomingEvent } from '../../src/model/event.ts';
import source from '../../src/sources/webhook/index.ts';
import { delivery, payload, refusal, refusesAtMost, take } from './helpers.ts';

/** How bytes become a body: formats, encodings, charsets. */

const map = { fingerprint: '"f"', state: '"firing"', title: '"t"' };

/** The events of a body under options beside a mapping that fits any body. */
function events(body: Buffer | string, headers: Record<string, string>, options: object = {}) {
  return take(source, delivery(body, headers), { map, ...options }).events;
}

/** What an expression makes of a body. */
function seen(
  title: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
  options: object = {},
): string {
  return events(body, headers, { ...options, map: { ...map, title } })[0]?.title ?? '';
}

const type = (charset: string) => ({ 'content-type': `text/plain; charset=${charset}` });

describe('content encodings', () => {
  const json = '{"a":"größe"}';
  test.each([
    ['gzip', gzipSync(json)],
    ['GZIP', gzipSync(json)],
    ['x-gzip', gzipSync(json)],
    ['deflate', deflateSync(json)],
    ['deflate', deflateRawSync(json)],
    ['identity', Buffer.from(json)],
  ])('%s', (encoding, body) => {
    expect(seen('body.a', body, { 'content-encoding': encoding })).toBe('größe');
  });

  test('a bomb is refused by its own code, and never unpacked whole', () => {
    const gzip = { 'content-encoding': 'gzip' };
    const bomb = payload('hostile/bomb-100MB.json.gz');
    const before = process.resourceUsage().maxRSS;
    expect(refusal(() => events(bomb, gzip))).toMatchObject({ code: 'body-too-large', allowed: '1048576 bytes' });
    // Kilobytes; unpacked it has 100 MB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(50_000);
    const [most, more] = [1024 * 1024 - 2, 1024 * 1024 - 1].map(size => gzipSync(`"${'x'.repeat(size)}"`));
    expect(refusal(() => events(more as Buffer, gzip)).code).toBe('body-too-large');
    expect(refusal(() => events(most as Buffer, gzip))).toMatchObject({
      code: 'bad-body',
      allowed: 'at most 65536 bytes in one string',
    });
  });

  test('what cannot be unpacked is refused, cut or not packed at all', () => {
    for (const [encoding, body] of [
      ['gzip', gzipSync(json).subarray(0, 20)],
      ['gzip', Buffer.from(json)],
      ['deflate', Buffer.from([0xff, 0xff])],
      ['gzip', Buffer.alloc(0)],
    ] as const) {
      expect(refusal(() => events(body, { 'content-encoding': encoding })).code).toBe('bad-body');
    }
    expect(refusal(() => events(json, { 'content-encoding': 'br' })).code).toBe('wrong-content-type');
  });
});

describe('charsets', () => {
  const latin = Buffer.from('{"a":"gr\xf6\xdfe"}', 'latin1');
  const wide = Buffer.from('\ufeff{"a":"größe"}', 'utf16le');

  test.each<[string, Buffer, Record<string, string>, object]>([
    ['named', latin, type('iso-8859-1'), {}],
    ['named in quotes and capitals', latin, { 'Content-Type': 'application/json; Charset="ISO-8859-1"' }, {}],
    ['named, against the option', latin, type('latin1'), { charset: 'shift_jis' }],
    ['of the options', latin, {}, { charset: 'latin1' }],
    ['of the options, because UTF-8 is not true', latin, type('utf-8'), { charset: 'windows-1252' }],
    ['UTF-8 under the option of another', Buffer.from('{"a":"größe"}'), {}, { charset: 'latin1' }],
    ['UTF-8 of one who says ASCII', Buffer.from('{"a":"größe"}'), type('us-ascii'), {}],
    ['UTF-16 by its mark', wide, {}, {}],
    ['UTF-16 by its mark, big end first', Buffer.from(wide).swap16(), {}, {}],
    ['UTF-16 named', wide, type('utf-16'), {}],
    ['UTF-16 named, big end first', Buffer.from(wide).swap16(), type('utf-16'), {}],
    ['UTF-16 named without a mark', wide.subarray(2), type('utf-16le'), {}],
    ['UTF-16 of the options', wide.subarray(2), {}, { charset: 'utf-16le' }],
  ])('%s', (_name, body, headers, options) => {
    expect(seen('body.a', body, headers, options)).toBe('größe');
  });

  test('bytes that do not fit are refused, and the remedy names the option', () => {
    for (const headers of [{}, type('utf-8'), type('ascii')]) {
      expect(refusal(() => events(latin, headers))).toMatchObject({
        code: 'bad-body',
        remedy: expect.stringContaining('charset: latin1'),
      });
    }
    expect(refusal(() => events(Buffer.from([0xd8, 0x22]), type('utf-16be')))).toMatchObject({
      code: 'bad-body',
      allowed: 'text in utf-16be',
    });
    expect(refusal(() => events(Buffer.from([0x22, 0x81, 0x22]), type('shift_jis'))).code).toBe('bad-body');
  });

  test.each(['klingon', 'utf-7', 'utf-32', 'iso-2022-cn', ''])('%j is not known, and says what is', charset => {
    expect(refusal(() => events('{}', { 'content-type': `text/plain; charset="${charset}"` }))).toMatchObject({
      code: 'wrong-content-type',
      allowed: expect.stringContaining('iso-8859-1'),
    });
  });

  test('an option that is no charset is refused when the file loads', () => {
    expect(source.options.safeParse({ map, charset: 'klingon' }).error?.issues[0]?.path).toEqual(['charset']);
  });
});

describe('format: form', () => {
  const form = (expression: string, body: Buffer | string, options: object = {}) =>
    seen(expression, body, {}, { format: 'form', ...options });

  test.each([
    ['body.a + "|" + body.b', 'a=1&b=x+y%20z', '1|x y z'],
    ['body.a', 'a=gr%C3%B6%c3%9fe', 'größe'],
    ['body["a b"]', 'a+b=c=d', 'c=d'],
    ['body.a', 'a=100%+%zz%4&', '100% %zz%4'],
    ['string("b" in body) + body.b', 'a=1&&b', 'true'],
    ['body.a.join("/")', 'a=1&a=2&a=3', '1/2/3'],
    ['body["__proto__"]', '__proto__=x&constructor=y', 'x'],
    ['body.b', 'a=1&b=2\r\n', '2'],
    ['string(size(body))', 'a=1', '1'],
  ])('%s of %j', (expression, body, expected) => {
    expect(form(expression, body)).toBe(expected);
  });

  test('percent-encoded Latin-1 is in the charset of the body', () => {
    expect(form('body.a', 'a=gr%F6%DFe', { charset: 'latin1' })).toBe('größe');
    expect(seen('body.a', 'a=gr%F6%DFe', type('iso-8859-1'), { format: 'form' })).toBe('größe');
    expect(refusal(() => form('body.a', 'a=gr%F6')).remedy).toContain('charset: latin1');
  });

  test('a body without a field, too many fields and too long ones are refused', () => {
    for (const body of ['', '&&', '\n', `a=${'x'.repeat(65_537)}`, Array(1001).fill('a=1').join('&')]) {
      expect(refusal(() => form('"t"', body)).code).toBe('bad-body');
    }
    expect(form('string(size(body.a))', Array(1000).fill('a=1').join('&'))).toBe('1000');
  });

  test('JSON that is expected where a form comes says which option is missing', () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(refusal(() => events('a=1', headers))).toMatchObject({ remedy: expect.stringContaining('format: form') });
    expect(events('{"a":1}', headers)).toHaveLength(1);
  });
});

describe('format: ndjson', () => {
  const lines = (body: string, more: object = {}) =>
    events(body, {}, { format: 'ndjson', map: { ...map, title: 'item.a', ...more } });
  const titles = (body: string, more: object = {}) => lines(body, more).map(event => event.title);

  test('each line is an element, and body is the list of them', () => {
    expect(titles('{"a":"x"}\n\r\n{"a":"y"}\r\n\n')).toEqual(['x', 'y']);
    expect(titles('\ufeff{"a":"x"}')).toEqual(['x']);
    expect(titles('{"a":"x"}\n{"a":"y"}', { title: 'body[1].a' })).toEqual(['y', 'y']);
    expect(titles('{"l":[{"a":"x"}]}\n{"l":[{"a":"y"}]}', { each: 'body.map(b, b.l[0])' })).toEqual(['x', 'y']);
  });

  test('bad lines are told by their number, and the others are taken', () => {
    const events = lines('{"a":"x"}\nno JSON\n{"b":1}\n{"a":"y"}\n{"a":"z"');
    expect(events.map(event => event.kind)).toEqual(['alert', 'alert', 'notice']);
    expect(events[2]?.title).toMatch(/^3 of 5 elements could not be taken: line 2, line 5, map\.title of line 3$/);
  });

  test('without a good line it is refused with the place of the first', () => {
    expect(refusal(() => lines('x\ny'))).toMatchObject({ code: 'bad-body', at: expect.stringMatching(/^line 1/) });
    expect(refusal(() => lines('{"b":1}\n')).at).toBe('map.title of line 1');
    for (const body of ['', '\n\n', Array(1001).fill('{"a":"x"}').join('\n')]) {
      expect(refusal(() => lines(body)).code).toBe('bad-body');
    }
    expect(lines(Array(1000).fill('{"a":"x"}').join('\n'))).toHaveLength(1000);
  });
});

describe('format: text', () => {
  test.each([
    ['DISK CRITICAL\n', 'DISK CRITICAL'],
    ['\ufeffa\r\n', 'a'],
    ['', '(without a title)'],
    ['{"a":1}', '{"a":1}'],
    ['a\nb\n', 'a\nb'],
  ])('%j', (body, expected) => {
    expect(seen('body', body, {}, { format: 'text' })).toBe(expected);
  });
});

test('any bytes under any format are taken or refused', () => {
  const all = ['json', 'form', 'ndjson', 'text'].flatMap(format =>
    [undefined, 'latin1', 'utf-16', 'gb18030'].map(charset =>
      source.options.parse({ format, charset, map: { ...map, labels: { a: 'string(body == null)' } } }),
    ),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom(undefined, 'gzip', 'deflate'),
      fc.constantFrom('', 'text/plain; charset=utf-8', 'x; charset=utf-16', ';;charset=;'),
      fc.constantFrom(...all),
      (bytes, encoding, contentType, options) => {
        const headers = {
          'content-type': contentType,
          ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
        };
        const given = delivery(Buffer.from(bytes), headers);
        refusesAtMost(() => {
          const { events } = source.normalise(source.parse?.(given, options), given, options);
          for (const event of events) incomingEvent.parse(event);
        });
      },
    ),
    { numRuns: 1000 },
  );
});
