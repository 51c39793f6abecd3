import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import alertmanager from '../../src/sources/alertmanager/index.ts';
import pagerduty from '../../src/sources/pagerduty/index.ts';
import { auth } from '../../src/sources/webhook/auth.ts';
import { verify, verifyHeaders } from '../../src/sources/webhook/proof.ts';
import { delivery, now } from './helpers.ts';

const body = '{"a":1}';
const sign = (key: string | Buffer, text = body, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', key).update(text).digest(encoding);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

/** The answer for these headers, with the options of `auth` as a user writes them. */
const webhook = (given: object | undefined, headers: Record<string, string>, text = body, at = now) =>
  verify(delivery(text, headers, at), { auth: given === undefined ? undefined : auth.parse(given) } as never);
const early = (given: object | undefined, headers: Record<string, string>) =>
  verifyHeaders(headers, { auth: given === undefined ? undefined : auth.parse(given) } as never);
const no = { ok: false, because: 'not what auth asks for' };

describe('a webhook', () => {
  it.each<[string, object | undefined, Record<string, string>, object]>([
    ['without auth proves nothing', undefined, {}, { ok: true, by: 'none' }],
    ['with the token', { bearer: 't' }, { authorization: 'Bearer t' }, { ok: true, by: 'bearer' }],
    ['with another token', { bearer: 't' }, { authorization: 'Bearer u' }, no],
    ['with the token as a password', { bearer: 't' }, { authorization: basic('u:t') }, no],
    ['without a token', { bearer: 't' }, {}, no],
    [
      'with user and password',
      { basic: { user: 'u', password: 'p' } },
      { authorization: basic('u:p') },
      { ok: true, by: 'basic' },
    ],
    ['with another password', { basic: { user: 'u', password: 'p' } }, { authorization: basic('u:q') }, no],
    ['with another user', { basic: { user: 'u', password: 'p' } }, { authorization: basic('v:p') }, no],
    ['with its header', { header: { name: 'X-Key', value: 'k' } }, { 'x-key': 'k' }, { ok: true, by: 'header' }],
    ['with another value in it', { header: { name: 'X-Key', value: 'k' } }, { 'x-key': 'l' }, no],
    ['with the value in another header', { header: { name: 'X-Key', value: 'k' } }, { 'x-other': 'k' }, no],
    ['signed', { hmac: { secret: 's', header: 'X-Sig' } }, { 'x-sig': sign('s') }, { ok: true, by: 'hmac' }],
    ['signed with another secret', { hmac: { secret: 's', header: 'X-Sig' } }, { 'x-sig': sign('t') }, no],
    ['not signed', { hmac: { secret: 's', header: 'X-Sig' } }, {}, no],
  ])('%s', (_, given, headers, answer) => {
    expect(webhook(given, headers)).toEqual(answer);
    // What the headers alone decide is decided the same before the body is read; a signature needs the body.
    const isSigned = headers['x-sig'] !== undefined;
    const needsBody = given !== undefined && 'hmac' in given;
    expect(early(given, headers)).toEqual(
      isSigned ? null : needsBody ? { ok: false, because: 'no signature' } : answer,
    );
  });

  it('takes its token after a word, and any of several, during a rotation', () => {
    for (const token of ['a', 'b']) {
      expect(webhook({ bearer: ['a', 'b'] }, { authorization: `Bearer ${token}` }).ok).toBe(true);
      expect(webhook({ header: { name: 'x', value: ['a', 'b'] } }, { x: token }).ok).toBe(true);
      const hmac = { secret: ['a', 'b'], header: 'x' };
      expect(webhook({ hmac }, { x: sign(token) }).ok).toBe(true);
    }
  });

  describe('signatures in a header', () => {
    const right = sign('s');
    const wrong = sign('t');
    const holds = (header: string, how: object = {}) =>
      webhook({ hmac: { secret: 's', header: 'x', ...how } }, { x: header }).ok;

    it.each<[string, boolean]>([
      [right, true],
      [`${wrong},${right}`, true],
      [`${wrong}, ${right}`, true],
      [`${wrong} ${right}`, true],
      [` ${right} `, true],
      [`sha256=${right}`, false],
      [`${right}0`, false],
      [wrong, false],
      ['', false],
    ])('without a prefix: %s', (header, is) => expect(holds(header)).toBe(is));

    it.each<[string, boolean]>([
      [`sha256=${right}`, true],
      [`sha1=${wrong},sha256=${right}`, true],
      [`sha256=${wrong} sha256=${right}`, true],
      [`sha256=${right}, sha256=${wrong}`, true],
      [`sha256=${right},v0=${wrong}`, true],
      [right, false],
      [`${right} sha256=${wrong}`, false],
      [`xsha256=${right}`, false],
      [`sha256 =${right}`, false],
      [`sha256=${wrong}`, false],
    ])('with one: %s', (header, is) => expect(holds(header, { prefix: 'sha256=' })).toBe(is));

    it('takes the characters of a prefix as they are', () => {
      expect(holds(`v.1+${right}`, { prefix: 'v.1+' })).toBe(true);
      expect(holds(`vx1+${right}`, { prefix: 'v.1+' })).toBe(false);
    });

    it('looks at sixteen of them, and at 8 KiB of the header', () => {
      const many = (count: number) => Array(count).fill(wrong).join(',');
      expect(holds(`${many(15)},${right}`)).toBe(true);
      expect(holds(`${many(16)},${right}`)).toBe(false);
      expect(holds(`${' '.repeat(8192 - 64)}${right}`)).toBe(true);
      expect(holds(`${' '.repeat(8192 - 63)}${right}`)).toBe(false);
    });

    it('reads base64, and a secret that is given in it', () => {
      expect(holds(sign('s', body, 'base64'), { encoding: 'base64' })).toBe(true);
      expect(holds(right, { encoding: 'base64' })).toBe(false);
      const key = Buffer.from('0123456789abcdef');
      for (const secret of [key.toString('base64'), `whsec_${key.toString('base64')}`]) {
        expect(holds(sign(key), { secret, secretEncoding: 'base64' })).toBe(true);
        expect(holds(sign(secret), { secret, secretEncoding: 'base64' })).toBe(false);
        expect(holds(sign(secret), { secret })).toBe(true);
      }
    });
  });

  describe('what is signed', () => {
    const seconds = Math.floor(now / 1000);
    const timed = (header: string, text: string, how: object = {}, at = seconds * 1000) =>
      webhook(
        { hmac: { secret: 's', header: 'x', timestampHeader: 'T', ...how } },
        { x: sign('s', text), ...(header === '' ? {} : { t: header }), id: 'i1' },
        body,
        at,
      ).ok;

    it('is the body, or the time before it, or what is written, in its order', () => {
      expect(timed(`${seconds}`, `${seconds}:${body}`)).toBe(true);
      expect(timed(`${seconds}`, body)).toBe(false);
      expect(timed(`${seconds}`, `${body}:${seconds}`)).toBe(false);
      const signed = { signed: '{ID}.{t}.{body}!' };
      expect(timed(`${seconds}`, `i1.${seconds}.${body}!`, signed)).toBe(true);
      expect(timed(`${seconds}`, `${seconds}.i1.${body}!`, signed)).toBe(false);
      expect(timed(`${seconds}`, `i1.${seconds}.${body}`, signed)).toBe(false);
      // A header that is signed and missing is not read as an empty one.
      expect(timed(`${seconds}`, `.${seconds}.${body}`, { signed: '{none}.{t}.{body}' })).toBe(false);
      expect(timed('', `:${body}`)).toBe(false);
    });

    it.each<[number, boolean]>([
      [0, true],
      [300_000, true],
      [-300_000, true],
      [300_001, false],
      [-300_001, false],
    ])('is fresh within five minutes: %i ms', (off, is) => {
      expect(timed(`${seconds}`, `${seconds}:${body}`, {}, seconds * 1000 + off)).toBe(is);
    });

    it('is fresh within its own tolerance, and by a plain number of seconds', () => {
      const at = (off: number) => timed(`${seconds}`, `${seconds}:${body}`, { tolerance: '1s' }, seconds * 1000 + off);
      expect([at(1000), at(1001)]).toEqual([true, false]);
      for (const text of [`${seconds}.0`, ` ${seconds}`, `${seconds} `, `+${seconds}`, `${seconds}000`, '0', 'now'])
        expect(timed(text, `${text}:${body}`), text).toBe(false);
    });
  });
});

describe('PagerDuty', () => {
  const header = 'x-pagerduty-signature';
  const answer = (options: object, headers: Record<string, string>) =>
    pagerduty.verify(delivery(body, headers), pagerduty.options.parse(options));

  it('signs with v1, once for each secret; other versions count nothing', () => {
    const right = `v1=${sign('s')}`;
    const wrong = `v1=${sign('t')}`;
    const yes = { ok: true, by: 'hmac' };
    for (const given of [right, `${wrong},${right}`, `${wrong} , ${right} `, `v0=x,${right}`])
      expect(answer({ secret: 's' }, { [header]: given }), given).toEqual(yes);
    expect(answer({ secret: ['x', 's'] }, { [header]: right })).toEqual(yes);
    const because = 'no v1 signature is made with a configured secret';
    for (const given of [wrong, '', sign('s'), `v2=${sign('s')}`, `V1=${sign('s')}`, `v1 =${sign('s')}`, `${right}0`])
      expect(answer({ secret: 's' }, { [header]: given }), given).toEqual({ ok: false, because });
    expect(answer({ secret: 's' }, { [header]: `${Array(64).fill('v0=x').join(',')},${right}` }).ok).toBe(false);
  });

  it('without a signature proves nothing, and without a secret nothing has to be proven', () => {
    const because = 'no X-PagerDuty-Signature header';
    expect(answer({ secret: 's' }, {})).toEqual({ ok: false, because });
    expect(answer({}, {})).toEqual({ ok: true, by: 'none' });
    expect(pagerduty.verifyHeaders?.({}, pagerduty.options.parse({}))).toEqual({ ok: false, because });
    expect(pagerduty.verifyHeaders?.({ [header]: 'x' }, pagerduty.options.parse({ secret: 's' }))).toBeNull();
  });
});

describe('Alertmanager', () => {
  const answer = (options: object, authorization?: string) => {
    const given = alertmanager.options.parse(options);
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const answered = alertmanager.verify(delivery(body, headers), given);
    expect(alertmanager.verifyHeaders?.(headers, given)).toEqual(answered);
    return answered;
  };

  it('proves itself by a token, or by user and password, whichever are configured', () => {
    const both = { token: 't', basic: { user: 'u', password: 'p' } };
    expect(answer({})).toEqual({ ok: true, by: 'none' });
    expect(answer({}, 'Bearer x')).toEqual({ ok: true, by: 'none' });
    for (const options of [both, { token: 't' }])
      expect(answer(options, 'Bearer t')).toEqual({ ok: true, by: 'bearer' });
    for (const options of [both, { basic: both.basic }])
      expect(answer(options, basic('u:p'))).toEqual({ ok: true, by: 'basic' });
    const wrong = { ok: false, because: 'another token, user or password' };
    for (const given of ['Bearer p', 'Bearer u:p', basic('t'), basic('u:t'), basic('v:p'), '', 'x'])
      expect(answer(both, given), given).toEqual(wrong);
    expect(answer({ token: 't' }, basic('u:p'))).toEqual(wrong);
    expect(answer({ basic: both.basic }, 'Bearer t')).toEqual(wrong);
    expect(answer(both)).toEqual({ ok: false, because: 'no Authorization header' });
  });
});
