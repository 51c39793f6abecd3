import { StringDecoder } from 'node:string_decoder';
import type { RecordReader } from '../types.ts';
import { longestLine, longestSample } from './lines.ts';

export interface ElementSink {
  /** The text of an object, or of what is none. */
  element(text: string): void;
  /** An object that is too long, with its beginning. */
  long(beginning: string): void;
  /** What ends before it is complete. */
  cut(text: string): void;
}

/** Lists within lists around the objects; what is deeper is no list of records. */
const mostLists = 16;

const structure = /["{}[\]\n]/g;
const wordEnd = /[,\]\n]/g;
/** Blanks, commas, the record separator of RFC 7464 and a byte-order mark. */
const between = /[^\s,\u001e\uFEFF]/g;

/**
 * Splits JSON into the objects of which it consists: one a line, one behind the other, in lists, or in a list that is a member of the outermost
 * object under one of the names. Of an object that is not closed no more is lost than up to the next line that begins with another one. No
 * more than one object is in memory.
 */
export function readElements(sink: ElementSink, lists: readonly string[] = []): RecordReader {
  const decoder = new StringDecoder('utf8');
  const splitter = new Splitter(sink, lists);
  return {
    read: piece => splitter.take(decoder.write(piece)),
    end() {
      splitter.take(decoder.end());
      splitter.end();
    },
  };
}

/** Where the splitter is: between objects, in one, in a string of one, in a word of a list, in a line that is skipped. */
type Mode = 'between' | 'object' | 'string' | 'word' | 'line';

class Splitter {
  readonly #sink: ElementSink;
  readonly #lists: readonly string[];
  #text = '';
  /** Everything before it was looked at. */
  #at = 0;
  /** Where the object under way begins, and the string in it. */
  #start = -1;
  #quote = -1;
  /** The next line end that is known; it is looked for anew behind it, and not for every string of a long line. */
  #line = -1;
  #mode: Mode = 'between';
  #depth = 0;
  /** Lists that are open around the objects. */
  #open = 0;
  /** True in a list that is a member of an object, whose other members are of no interest. */
  #member = false;
  /** True behind such a list. */
  #tail = false;
  #key = '';

  constructor(sink: ElementSink, lists: readonly string[]) {
    this.#sink = sink;
    this.#lists = lists;
  }

  take(text: string): void {
    const kept = this.#start < 0 ? this.#at : this.#start;
    this.#text = this.#text.slice(kept) + text;
    this.#at -= kept;
    this.#quote -= kept;
    this.#line = -1;
    if (this.#start >= 0) this.#start = 0;
    while (this.#at < this.#text.length && this.#step());
    if (this.#start < 0 || this.#text.length - this.#start <= longestLine) return;
    this.#sink.long(this.#text.slice(this.#start, this.#start + longestSample));
    this.#reset('line');
    this.#open = 0;
    this.#member = false;
    this.#at = this.#text.length;
  }

  end(): void {
    if (this.#mode === 'word') this.#emit(this.#text.length);
    else if (this.#start >= 0) this.#cut(this.#text.length);
  }

  /** Goes on; false when more text is needed. */
  #step(): boolean {
    switch (this.#mode) {
      case 'between':
        return this.#begin();
      case 'object':
        return this.#inObject();
      case 'string':
        return this.#inString();
      case 'word':
        return this.#inWord();
      case 'line':
        return this.#inLine();
    }
  }

  #reset(mode: Mode): void {
    this.#start = -1;
    this.#depth = 0;
    this.#tail = false;
    this.#mode = mode;
  }

  #emit(end: number): void {
    const text = this.#text.slice(this.#start, end);
    const dropped = this.#tail;
    this.#reset('between');
    if (dropped) return;
    if (text.length > longestLine) this.#sink.long(text.slice(0, longestSample));
    else this.#sink.element(text);
  }

  #cut(end: number): void {
    if (!this.#tail) this.#sink.cut(this.#text.slice(this.#start, Math.min(end, this.#start + longestSample)));
    this.#reset('between');
  }

  #begin(): boolean {
    between.lastIndex = this.#at;
    const found = between.exec(this.#text);
    if (found === null) {
      this.#at = this.#text.length;
      return false;
    }
    const at = found.index;
    this.#at = at + 1;
    if (found[0] === '{') {
      this.#start = at;
      this.#depth = 1;
      this.#key = '';
      this.#mode = 'object';
    } else if (found[0] === '[' && this.#open < mostLists) this.#open += 1;
    else if (found[0] === ']' && this.#open > 0) this.#leaveList(at);
    else {
      this.#start = at;
      this.#at = at;
      if (found[0] === '[') this.#open = 0;
      this.#mode = this.#open > 0 ? 'word' : 'line';
    }
    return true;
  }

  #leaveList(at: number): void {
    this.#open -= 1;
    if (this.#open > 0 || !this.#member) return;
    this.#member = false;
    this.#tail = true;
    this.#start = at;
    this.#depth = 1;
    this.#mode = 'object';
  }

  #inObject(): boolean {
    structure.lastIndex = this.#at;
    const found = structure.exec(this.#text);
    if (found === null) {
      this.#at = this.#text.length;
      return false;
    }
    const at = found.index;
    this.#at = at + 1;
    switch (found[0]) {
      case '"':
        this.#quote = at;
        this.#mode = 'string';
        break;
      case '{':
        // In a list of a pretty document nothing begins a line but what belongs there.
        if (this.#open === 0 && this.#text[at - 1] === '\n') {
          this.#cut(at);
          this.#at = at;
        } else this.#depth += 1;
        break;
      case '[':
        if (this.#depth === 1 && this.#open === 0 && this.#lists.includes(this.#key)) {
          this.#reset('between');
          this.#open = 1;
          this.#member = true;
        } else this.#depth += 1;
        break;
      case '}':
      case ']':
        this.#depth -= 1;
        if (this.#depth === 0) this.#emit(at + 1);
    }
    return true;
  }

  #inString(): boolean {
    const line = this.#lineEnd();
    for (let from = this.#at; ; ) {
      const end = this.#text.indexOf('"', from);
      if (line < this.#text.length && (end < 0 || line < end)) {
        // No string has a line end in it.
        this.#cut(line);
        this.#at = line;
        return true;
      }
      if (end < 0) break;
      if (this.#slashesBefore(end) % 2 === 0) {
        if (this.#depth === 1 && this.#lists.length > 0) this.#key = this.#text.slice(this.#quote + 1, end);
        this.#mode = 'object';
        this.#at = end + 1;
        return true;
      }
      from = end + 1;
    }
    // How many backslashes end the text is not known yet.
    this.#at = Math.max(this.#at, this.#text.length - this.#slashesBefore(this.#text.length));
    return false;
  }

  /** Where the line ends; the length of the text when that is not known yet. */
  #lineEnd(): number {
    if (this.#line < this.#at) this.#line = this.#text.indexOf('\n', this.#at);
    if (this.#line < 0) this.#line = this.#text.length;
    return this.#line;
  }

  #slashesBefore(end: number): number {
    let count = 0;
    while (end - 1 - count > this.#quote && this.#text.charCodeAt(end - 1 - count) === 92) count += 1;
    return count;
  }

  #inWord(): boolean {
    wordEnd.lastIndex = this.#at;
    const found = wordEnd.exec(this.#text);
    if (found === null) {
      this.#at = this.#text.length;
      return false;
    }
    this.#at = found.index;
    this.#emit(found.index);
    return true;
  }

  /** The rest of a line that is no object, or that was too long. */
  #inLine(): boolean {
    const line = this.#text.indexOf('\n', this.#at);
    if (line < 0) {
      this.#at = this.#text.length;
      return false;
    }
    if (this.#start >= 0) this.#cut(line);
    this.#reset('between');
    this.#at = line + 1;
    return true;
  }
}
