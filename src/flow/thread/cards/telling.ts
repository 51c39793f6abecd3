import { cutText, mixedWords, visibleLine } from '../../../kernel/text.ts';
import { quoted } from '../../../model/card.ts';
import type { Deed } from '../../../ports/deed.ts';
import type { StepOutline } from '../../../ports/runbook.ts';

/** What one step does, in few words. */
export interface Telling {
  text: string;
  /** 0: acts on nothing; 1: reads; 2: may change something; 3: its words are those of loss or of an outage. */
  weight: 0 | 1 | 2 | 3;
  /** The host that a command runs on by ssh; null for most. */
  host: string | null;
}

/** Characters of one word, and of one command, in a headline. */
const mostWord = 40;
const mostCommand = 70;

/**
 * A word as it stands in a headline: one of plain letters and signs as it is, any other as a quotation, with look-alike letters written out.
 * So what is not a single word, as a sentence in a parameter, never stands there as ours.
 */
export function showWord(word: string): string {
  const later = word.replace(/\$\{\{[\s\S]*?\}\}/g, '‹later›');
  if (/^[\x21-\x7e‹›]+$/.test(later)) return cutText(later, mostWord);
  const spelt =
    mixedWords(later).length === 0
      ? later
      : later.replace(/[^\x00-\x7f]/gu, letter => `\\u{${letter.codePointAt(0)?.toString(16)}}`);
  return quoted(cutText(visibleLine(spelt), mostWord));
}

/** The type of the one step that stands for a snapshot that cannot be read (thread/outlines.ts). */
export const unreadable = 'none';

/** Words of loss and of outages, wherever they stand in a command. */
const grave =
  /^(rm|rmdir|unlink|shred|wipefs|fdisk|sfdisk|parted|dd|mkfs(\.\w+)?|mkswap|truncate|dropdb|dropuser|drop|delete|deltree|del|destroy|purge|erase|wipe|prune|flush\w*|reset|terminate\w*|uninstall|remove|kill|killall|pkill|reboot|shutdown|poweroff|halt|drain|evict|cordon|failover|promote|rollback|userdel|groupdel|iptables|nft|-delete|--delete|--force|-rf|-fr)$/i;

/** Programs that only read, whatever their arguments are. */
const readers =
  /^(df|du|ls|cat|head|tail|grep|zgrep|wc|ps|top|free|uptime|stat|id|who|whoami|date|echo|printf|true|false|test|\[|\[\[|sleep|set|cd|export|hostname|dig|host|nslookup|ping|vmstat|iostat|lsof|ss|netstat|uname|env|printenv|pgrep|sha256sum|md5sum)$/;

/** The second words with which these programs only read. */
const looks: Readonly<Record<string, RegExp>> = {
  systemctl: /^(status|is-active|is-enabled|is-failed|show|cat|list-\w+)$/,
  kubectl: /^(get|describe|logs|top|version|explain)$/,
  docker: /^(ps|logs|inspect|images|stats|version|info)$/,
  git: /^(status|log|diff|show|fetch)$/,
  helm: /^(list|status|history|get)$/,
  terraform: /^(plan|show|output|validate)$/,
};

/** What a step does. */
export function tellStep({ deed, type, shows }: StepOutline): Telling {
  if (type === unreadable) return { text: 'a plan that cannot be read', weight: 3, host: null };
  if (deed != null) return tellDeed(deed);
  const words = shows.split(/\s+/).filter(word => word !== '');
  return { text: `${type} ${showWords(words)}`.trim(), weight: weigh(words) === 3 ? 3 : 2, host: null };
}

function tellDeed(deed: Deed): Telling {
  switch (deed.kind) {
    case 'command':
      return tellCommand(deed.argv);
    case 'script':
      return tellScript(deed.text, deed.shell);
    case 'request':
      return tellRequest(deed);
    case 'call':
      return { text: `the runbook ${showWord(deed.runbook)}`, weight: 2, host: null };
    case 'quiet':
      return { text: '', weight: 0, host: null };
  }
}

function tellRequest({ method, url }: { method: string; url: string }): Telling {
  const [address = ''] = url.split(/[?#]/, 1);
  const weight = method === 'DELETE' ? 3 : method === 'GET' || method === 'HEAD' ? 1 : 2;
  return { text: `${weight === 1 ? 'reads' : `sends ${method} to`} ${showWord(address)}`, weight, host: null };
}

function tellCommand(argv: readonly string[]): Telling {
  const { words, host } = unwrap(argv);
  const inner = innerScript(words);
  if (inner !== null) return { ...tellScript(inner.text, inner.shell), host };
  return { text: showWords([baseName(words[0] ?? ''), ...words.slice(1)]), weight: weigh(words), host };
}

/** The line of a script that tells most. */
function tellScript(text: string, shell: string): Telling {
  const lines = text
    .split(/\n|;|&&|\|\|/)
    .map(line => line.trim().replace(shellWords, ''))
    .filter(line => line !== '' && !line.startsWith('#'));
  const told = lines.slice(0, mostLines).map(line => {
    const words = shell === 'bash' || shell === 'sh' ? unwrap(line.split(/\s+/)).words : line.split(/\s+/);
    return { words, weight: shell === 'bash' || shell === 'sh' ? weigh(words) : weigh(words) === 3 ? 3 : 2 } as const;
  });
  const best = gravest(told);
  const rest = lines.length > 1 ? `, ${lines.length} lines` : '';
  return { text: `${showWords(best?.words ?? [])} (${shell}${rest})`, weight: best?.weight ?? 2, host: null };
}

const mostLines = 500;
/** What stands before or between the commands of a shell. */
const shellWords = /^((if|then|else|elif|while|until|do|done|fi|esac|!|\{|\}|\(|\))(\s+|$))+/;

/** The first of the gravest. */
export function gravest<T extends { weight: number }>(all: readonly T[]): T | null {
  return all.reduce<T | null>((best, one) => (best === null || one.weight > best.weight ? one : best), null);
}

function baseName(program: string): string {
  return program.split('/').at(-1) || program;
}

/** `bash -c "..."`, and what else runs its argument as a script. */
function innerScript(words: readonly string[]): { text: string; shell: string } | null {
  const shell = baseName(words[0] ?? '');
  if (!/^(ba|da|z|k)?sh$/.test(shell)) return null;
  const at = words.findIndex((word, index) => index > 0 && /^-[a-z]*c$/.test(word));
  const text = at < 0 ? undefined : words[at + 1];
  return text === undefined ? null : { text, shell: shell === 'bash' ? 'bash' : 'sh' };
}

/** Programs that run another one, and which of their options take a value. */
const wrappers: Readonly<Record<string, RegExp>> = {
  sudo: /^-[ugCpRrhTD]$/,
  doas: /^-[uC]$/,
  env: /^-[uCS]$/,
  nice: /^-n$/,
  ionice: /^-[cn]$/,
  nohup: /^$/,
  setsid: /^$/,
  stdbuf: /^-[ioe]$/,
  timeout: /^-[ks]$/,
  time: /^-[fo]$/,
};
const sshValue = /^-[BbcDEeFIiJLlmOopQRSWw]$/;

/** The words of the program that really runs: without `sudo`, `env`, `timeout` and such, and on its host when it goes by ssh. */
function unwrap(argv: readonly string[]): { words: readonly string[]; host: string | null } {
  let words = [...argv];
  let host: string | null = null;
  for (let depth = 0; depth < 5; depth++) {
    const name = baseName(words[0] ?? '');
    const isSsh = name === 'ssh';
    const values = isSsh ? sshValue : wrappers[name];
    if (values === undefined) break;
    const rest = withoutOptions(words.slice(1), values);
    if (name === 'env') while (/^\w+=/.test(rest[0] ?? '')) rest.shift();
    if (name === 'timeout') rest.shift();
    const where = isSsh ? rest.shift() : undefined;
    if (isSsh && rest[0] === '--') rest.shift();
    // Alone it is itself what runs: `env`, a login by ssh.
    if (rest.length === 0) break;
    if (where !== undefined) host = where.slice(where.indexOf('@') + 1);
    // A remote shell reads the words anew.
    words = isSsh ? rest.join(' ').split(/\s+/) : rest;
  }
  return { words, host };
}

function withoutOptions(words: readonly string[], values: RegExp): string[] {
  const rest = [...words];
  while (rest[0]?.startsWith('-') === true) {
    const option = rest.shift() ?? '';
    if (option === '--') break;
    if (values.test(option)) rest.shift();
  }
  return rest;
}

function weigh(words: readonly string[]): 1 | 2 | 3 {
  const [first = '', ...rest] = words;
  const program = baseName(first);
  if (readers.test(program) && !words.some(word => /[>|]/.test(word))) return 1;
  const split = words.flatMap(word => word.split(/[\s;|&(){}"']+/));
  if (grave.test(program) || split.some(word => grave.test(baseName(word)))) return 3;
  const second = rest.find(word => !word.startsWith('-')) ?? '';
  return looks[program]?.test(second) === true ? 1 : 2;
}

/** As many words as have room. A grave one that stands further behind is shown too. */
function showWords(words: readonly string[]): string {
  const shown: string[] = [];
  let room = mostCommand;
  for (const word of words) {
    const text = showWord(word);
    room -= text.length + 1;
    if (room < 0 && shown.length > 0) break;
    shown.push(text);
  }
  if (shown.length === words.length) return shown.join(' ');
  const behind = words.findIndex((word, index) => index >= shown.length && grave.test(word));
  const more =
    behind < 0
      ? ''
      : ` ${words
          .slice(behind, behind + 2)
          .map(showWord)
          .join(' ')}`;
  return `${shown.join(' ')} …${more}`;
}
