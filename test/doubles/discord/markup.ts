/** What a Discord client makes of a text: what people read, and everything in it that is more than text. */
export interface Reading {
  plain: string;
  /** Mentions, links, emoji, times and emphasis, as `kind: source`. Code is not active. */
  active: string[];
}

const rules: readonly { kind: string; at: RegExp; read: (match: RegExpExecArray) => string; active: boolean }[] = [
  { kind: 'block', at: /^```(?:[a-z]+\n)?\n?([\s\S]*?)\n?```/i, read: match => match[1] ?? '', active: false },
  { kind: 'code', at: /^(`+)([\s\S]*?[^`])\1(?!`)/, read: match => match[2] ?? '', active: false },
  { kind: 'escape', at: /^\\([^0-9A-Za-z\s])/, read: match => match[1] ?? '', active: false },
  { kind: 'mention', at: /^<(@[!&]?|#|\/[^:>]+:|id:)\d+>/, read: match => match[0], active: true },
  { kind: 'mention', at: /^@(everyone|here)/, read: match => match[0], active: true },
  { kind: 'emoji', at: /^<a?:\w+:\d+>/, read: match => match[0], active: true },
  { kind: 'time', at: /^<t:-?\d+(:\w)?>/, read: match => match[0], active: true },
  {
    kind: 'link',
    at: /^\[((?:\\.|[^\]\\])*)\]\((?:<)?((?:https?|discord|steam):\/\/[^\s)>]+)>?\)/,
    read: match => match[1] ?? '',
    active: true,
  },
  { kind: 'link', at: /^<?(https?|steam|discord):\/\/[^\s<]+[^\s<.,:;"'\])]>?/, read: match => match[0], active: true },
  { kind: 'strong', at: /^(\*\*|__|\|\||~~)(?=\S)((?:\\.|[\s\S])+?)\1/, read: match => match[2] ?? '', active: true },
  { kind: 'emphasis', at: /^([*_])(?=\S)((?:\\.|[^\\])+?)\1(?!\w)/, read: match => match[2] ?? '', active: true },
];
const lineRules = /^(#{1,3} |-# |> |>>> |[-*] |\d+\. )/;

export function readMarkup(source: string): Reading {
  const active: string[] = [];
  let plain = '';
  let rest = source;
  let lineStart = true;
  while (rest !== '') {
    const line = lineStart ? lineRules.exec(rest) : null;
    if (line !== null) active.push(`line: ${line[0]}`);
    const found = rules.map(rule => ({ rule, match: rule.at.exec(rest) })).find(({ match }) => match !== null);
    const taken = found?.match?.[0] ?? rest.slice(0, 1);
    if (found?.match == null) plain += taken;
    else {
      const inner = found.rule.read(found.match);
      if (found.rule.active) active.push(`${found.rule.kind}: ${taken}`);
      plain += found.rule.active && inner !== taken ? readMarkup(inner).plain : inner;
    }
    rest = rest.slice(taken.length);
    lineStart = taken.endsWith('\n');
  }
  return { plain, active };
}
