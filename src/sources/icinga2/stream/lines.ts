import { StringDecoder } from 'node:string_decoder';

/** The longest line of the stream, characters: the output of a check and its performance data. */
const longest = 8 * 1024 * 1024;

/** Takes a stream of bytes apart into lines. What has no line end yet is kept; at the end of the stream it is a torn line, and lost. */
export function createLines(): (bytes: Uint8Array) => string[] {
  const decoder = new StringDecoder('utf8');
  let rest: string[] = [];
  let size = 0;
  return bytes => {
    const parts = decoder.write(Buffer.from(bytes)).split('\n');
    const last = parts.pop() ?? '';
    const lines = parts.map((part, index) => (index === 0 ? [...rest, part].join('') : part));
    if (parts.length > 0) [rest, size] = [[], 0];
    rest.push(last);
    size += last.length;
    if (size > longest) throw new Error(`a line has more than ${longest.toLocaleString('en-GB')} characters`);
    return lines.filter(line => line.trim() !== '');
  };
}
