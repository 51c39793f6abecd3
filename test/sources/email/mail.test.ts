import { describe, expect, test } from 'vitest';
import { isCode } from '../../../src/kernel/errors.ts';
import { incomingEvent } from '../../../src/model/event.ts';
import { mailLimits, onceOf, readMail } from '../../../src/sources/email/mail.ts';
import { options } from '../../../src/sources/email/options.ts';
import { eventOf } from '../../../src/sources/email/rules.ts';
import { now } from '../helpers.ts';

const envelope = { sender: 'root@db-1.example.com', to: ['alerts@tocsin.test'] };
const read = (text: string | Buffer) =>
  readMail(Buffer.isBuffer(text) ? text : Buffer.from(text.replaceAll('\n', '\r\n')), envelope);

describe('a mail', () => {
  test('with parts: its texts are read, and its attachments counted and thrown away', async () => {
    const found = await read(`From: "Backup" <backup@nas.example.com>
Subject: =?utf-8?Q?Sicherung_f=C3=BCr_db-1?= fehlgeschlagen
Message-ID: <1@nas>
Date: Fri, 20 Nov 2026 12:00:00 +0100
X-Mailer: nas 1
X-Mailer: nas 2
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

gr=F6=DFer
--b
Content-Type: text/html

<p>also <b>this</b><script>not("this")</script></p>
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=log.gz
Content-Transfer-Encoding: base64

${Buffer.alloc(3000).toString('base64')}
--b
Content-Type: text/plain
Content-Disposition: attachment; filename=log.txt

attached text
--b--
`);
    expect(found).toMatchObject({
      ...envelope,
      from: 'backup@nas.example.com',
      subject: 'Sicherung für db-1 fehlgeschlagen',
      messageId: '<1@nas>',
      date: Date.UTC(2026, 10, 20, 11),
      attachments: 2,
      headers: { 'x-mailer': 'nas 1' },
    });
    expect(found.text).toContain('größer');
    expect(found.text).toContain('also this');
    expect(found.text).not.toMatch(/not\(|attached text/);
  });

  test.each([
    ['nothing', ''],
    ['no head', '\n\njust text'],
    ['no text', 'Subject: x'],
    ['a head that is none', 'this is no head\nSubject: x\n\ny'],
    ['an empty Message-ID and Date', 'Message-ID:\nDate:\nSubject:\n\n'],
    [
      'two of what there is one of',
      'Subject: a\nSubject: b\nFrom: a@x.test\nFrom: b@x.test\nMessage-ID: <1>\nMessage-ID: <2>\n\n',
    ],
    ['names of every object', '__proto__: x\nconstructor: y\ntoString: z\nSubject: x\n\n'],
    ['a charset that nobody knows', 'Content-Type: text/plain; charset=x-nobody\n\ntext'],
    ['UTF-7', 'Content-Type: text/plain; charset=utf-7\n\n+ADw-b+AD4-'],
    ['a boundary that does not come', 'Content-Type: multipart/mixed; boundary=b\n\ntext'],
    ['a boundary of nothing', 'Content-Type: multipart/mixed; boundary=""\n\n--\n\nx\n----\n'],
    ['a mail in a mail', 'Content-Type: message/rfc822\n\nSubject: inner\n\ntext'],
    ['base64 that is none', 'Content-Transfer-Encoding: base64\n\n%%%%'],
    ['encoded words without an end', `Subject: ${'=?utf-8?Q?'.repeat(500)}\n\n`],
    ['deep HTML', `Content-Type: text/html\n\n${'<div>'.repeat(20_000)}x`],
    ['comments in the address', `From: ${'('.repeat(5000)} <a@b>\n\n`],
    ['bytes of no text', Buffer.from([0, 0xff, 0xfe, 0x0d, 0x0a, 0x0d, 0x0a, 0, 0xed, 0xa0, 0x80, 0xff])],
    ['NUL in the subject and text', 'Subject: a\0b\n\nc\0d'],
  ])('with %s is taken as something that can be stored', async (_what, bytes) => {
    const found = await read(bytes);
    const given = options.parse({ from: ['*'], to: ['*'], rules: [{ fingerprint: 'from + subject + "x"' }] });
    for (const event of [eventOf(found, given, now), eventOf(found, { ...given, rules: [] }, now)]) {
      expect(incomingEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
      expect(JSON.stringify(event)).not.toContain('\\u0000');
    }
  });

  test.each([
    ['a head of 70 KB', `X: ${'y'.repeat(70_000)}\n\n`],
    ['a head line after line', `${'X: y\n'.repeat(20_000)}\n`],
    ['200 parts', `Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(200)}`],
  ])('with %s is refused, without a word of it', async (_what, text) => {
    const error = await read(`Subject: CANARY\n${text}`).then(
      () => null,
      failed => failed,
    );
    expect(isCode(error, 'bad-body')).toBe(true);
    expect(`${error.message} ${error.allowed}`).not.toContain('CANARY');
  });

  test('of ten megabytes of text is cut', async () => {
    const found = await read(`Subject: ${'s'.repeat(5000)}\n\n${`${'x'.repeat(75)}\n`.repeat(130_000)}`);
    expect([found.subject.length, found.text.length]).toEqual([mailLimits.subject, mailLimits.text]);
  });
});

test('counts once for each sender, and each time without a Message-ID', async () => {
  const one = await read('Message-ID: <1>\n\n');
  const keys = [
    onceOf(one, null, 'x'),
    onceOf(one, 'mailer', 'x'),
    onceOf({ ...one, sender: 'other@x.test' }, null, 'x'),
    onceOf({ ...one, messageId: '<2>' }, null, 'x'),
    onceOf({ ...one, messageId: null }, null, 'x'),
    onceOf({ ...one, messageId: null }, null, 'y'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(onceOf({ ...one, text: 'other' }, null, 'y')).toBe(keys[0]);
});
