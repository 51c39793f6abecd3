/** Of src/kernel. */

import type { Equivalents } from './shape.ts';

export const kernel: Equivalents = {
  'src/kernel/egress/request.ts': [
    { was: '[]', becomes: '["Stryker was here"]', because: 'the text is in no answer' },
    { was: 'body === null', becomes: 'false', because: 'a body of null is none' },
    { was: "''", becomes: '"Stryker was here!"', because: 'a text that is split has a first part' },
  ],
  'src/kernel/strict-json.ts': [
    { was: "''", becomes: '"Stryker was here!"', because: 'JSON.parse throws errors' },
    { was: 'false', becomes: 'true', because: 'what ends in an unexpected token has no beginning that is a document' },
    { was: "typeof value !== 'number'", becomes: 'false', because: 'the source of another value is no row of digits' },
    { was: 'context?.source', becomes: 'context.source', because: 'the engine gives the context with each value' },
    { was: "''", becomes: '"Stryker was here!"', because: 'the engine gives the source of each number' },
    { was: '[]', becomes: '["Stryker was here"]', because: 'the outermost value stands on its own set' },
    {
      was: "what === '{'",
      becomes: 'true',
      because: 'a text in a list has no colon behind it, so no name is looked for there',
    },
    { was: 'names?.has', becomes: 'names.has', because: 'a name stands in an object' },
    { was: 'names?.add', becomes: 'names.add', because: 'a name stands in an object' },
    { was: '`within ${text.length} characters`', becomes: '``', because: 'a key that is there twice is found' },
  ],
  'src/kernel/egress/address.ts': [
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "'ipv6'", becomes: '""', because: 'BlockList takes every word but ipv4 for ipv6' },
    { was: "''", becomes: '"Stryker was here!"', because: 'a split always has a first part' },
    { was: "''", becomes: '"Stryker was here!"', because: 'a split always has a first part' },
    {
      was: '/(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+)$/',
      becomes: '/(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+)/',
      because: 'an address that has passed isIP has its dotted part at the end',
    },
    { was: 'parts.slice(0, 4)', becomes: 'parts', because: 'only the first four are taken' },
    {
      was: 'right === undefined',
      becomes: 'false',
      because: 'an address without :: has eight groups, so the gap is 0 either way',
    },
    {
      was: 'groups.length === 8 && groups.every(group => group >= 0 && group <= 0xffff)',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'groups.length === 8 && groups.every(group => group >= 0 && group <= 0xffff)',
      becomes: 'groups.length === 8 || groups.every(group => group >= 0 && group <= 0xffff)',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'groups.length === 8',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'groups.every(group => group >= 0 && group <= 0xffff)',
      becomes: 'groups.some(group => group >= 0 && group <= 0xffff)',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group >= 0 && group <= 0xffff',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group >= 0 && group <= 0xffff',
      becomes: 'group >= 0 || group <= 0xffff',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group >= 0',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
    {
      was: 'group <= 0xffff',
      becomes: 'true',
      because: 'the address has passed isIP, so it has eight groups in their range',
    },
  ],
  'src/kernel/signature.ts': [
    { was: 'one !== null', becomes: 'true', because: 'what does not decode is compared as zeros, which no HMAC is' },
    {
      was: 'known !== undefined',
      becomes: 'false',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'true',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'false',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'digests.size > mostDigests',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    {
      was: 'digests.size >= mostDigests',
      becomes: 'digests.size < mostDigests',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    { was: 'digests.clear();', becomes: ';', because: 'it changes how many digests are kept in memory, and no answer' },
    {
      was: 'digests.set(expected, made);',
      becomes: ';',
      because: 'it changes how many digests are kept in memory, and no answer',
    },
    { was: "''", becomes: '"Stryker was here!"', because: 'a missing token is refused whatever it is compared with' },
    { was: "''", becomes: '"Stryker was here!"', because: 'neither is a user with a password' },
    { was: 'space < 0', becomes: 'space <= 0', because: 'what is before a space at the beginning is no scheme either' },
    { was: "rest === ''", becomes: 'false', because: 'empty credentials are refused by whoever reads them' },
    { was: "''", becomes: '"Stryker was here!"', because: 'empty credentials are refused by whoever reads them' },
  ],
  'src/kernel/child/kill.ts': [
    { was: '[]', becomes: '["Stryker was here"]', because: 'the list is made anew before it is read' },
    { was: 'group === null', becomes: 'false', because: 'null is no more than 1 either' },
    {
      was: "error instanceof Error && 'code' in error",
      becomes: 'true',
      because: 'process.kill throws nothing but errors with a code',
    },
    {
      was: "error instanceof Error && 'code' in error",
      becomes: "error instanceof Error || 'code' in error",
      because: 'process.kill throws nothing but errors with a code',
    },
    { was: "'gone'", becomes: '""', because: 'callers ask only whether it was sent or denied' },
  ],
  'src/kernel/egress/egress.ts': [
    {
      was: 'text.trim().toLowerCase()',
      becomes: 'text.trim().toUpperCase()',
      because: 'plainHost writes both in lower case',
    },
    { was: 'match?.[1] ?? trimmed', becomes: 'match?.[1] && trimmed', because: 'plainHost leaves the port out too' },
    {
      was: '/^(.*?)(?::(\\d+))?$/',
      becomes: '/^(.*?)(?::(\\d+))$/',
      because: 'a text without a port is the host itself',
    },
    { was: "'follow'", becomes: '""', because: 'asked is only for manual and error' },
    { was: 'attempt.body == null', becomes: 'false', because: 'no body and none that is named are the same' },
    { was: 'signal === null', becomes: 'false', because: 'no signal and null are the same' },
    { was: "reach === 'guarded'", becomes: 'true', because: 'a private address with this rule has returned before' },
    { was: 'first?.address', becomes: 'first.address', because: 'a name without an address has thrown before' },
    { was: "''", becomes: '"Stryker was here!"', because: 'a name without an address has thrown before' },
    { was: 'first?.family', becomes: 'first.family', because: 'a name without an address has thrown before' },
    { was: "''", becomes: '"Stryker was here!"', because: 'beside an error the address is not looked at' },
    { was: 'status < 303', becomes: 'status <= 303', because: '303 has its own rule before' },
  ],
  'src/kernel/egress/answer.ts': [
    { was: 'signal?.reason', becomes: 'signal.reason', because: 'it is asked only of a signal that is aborted' },
    { was: "''", becomes: '"Stryker was here!"', because: 'neither is the code of a time-out' },
    { was: "''", becomes: '"Stryker was here!"', because: 'neither is the name of a time-out' },
  ],
  'src/kernel/redact/patterns.ts': [
    {
      was: 'state.tail',
      becomes: 'false',
      because: 'of an empty text nothing is left, and it goes on in the next part',
    },
    {
      was: 'from + start',
      becomes: 'from - start',
      because: 'only a long line asks where a text begins, and has no keys of several lines',
    },
    {
      was: 'from + start',
      becomes: 'from - start',
      because: 'only a long line asks where a text begins, and has no keys of several lines',
    },
    {
      was: 'state.keyLines === 0 && !worthALook.test(text)',
      becomes: 'false',
      because: 'the first look only saves time',
    },
    { was: '[]', becomes: '["Stryker was here"]', because: 'a text among the spans lies nowhere' },
    {
      was: 'span.end > border',
      becomes: 'span.end >= border',
      because: 'what ends at the border leaves it where it is',
    },
    {
      was: "state.keyLines === 0 && !text.includes('PRIVATE KEY')",
      becomes: 'false',
      because: 'the first look only saves time',
    },
    { was: "'PRIVATE KEY'", becomes: '""', because: 'the first look only saves time' },
    { was: 'spans.length === 0', becomes: 'false', because: 'without spans the text is put together as it was' },
    {
      was: 'b.end - a.end',
      becomes: 'b.end + a.end',
      because: 'of two that begin together the longer one is first in the list already',
    },
  ],
};
