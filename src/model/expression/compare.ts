import {
  type CelFunc,
  type CelInput,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  isCelList,
  isCelMap,
  listType,
} from '@bufbuild/cel';
import { spend } from './work.ts';

const { BOOL, DYN, STRING } = CelScalar;

/** The library's own, for values without members. */
const equality = [...celEnv().funcs].find(call => call.id === '_==_(dyn,dyn)');

/** As the library has it; what is compared is charged. */
function equal(left: CelInput | undefined, right: CelInput | undefined): boolean {
  if (typeof left === 'string') {
    if (typeof right !== 'string' || left.length !== right.length) return false;
    if (left.length > 256) spend(left.length / 4096);
    return left === right;
  }
  if (left === right) return true;
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null)
    return leavesEqual(left, right);
  if (isCelList(left)) {
    if (!isCelList(right) || left.size !== right.size) return false;
    for (let at = 0; at < left.size; at++) {
      spend(1 / 8);
      if (!equal(left.get(at), right.get(at))) return false;
    }
    return true;
  }
  if (isCelMap(left)) {
    if (!isCelMap(right) || left.size !== right.size) return false;
    for (const [key, member] of left) {
      spend(1 / 8);
      const other = right.get(key);
      if (other === undefined || !equal(member, other)) return false;
    }
    return true;
  }
  if (left instanceof Uint8Array) spend(left.length / 1024);
  return leavesEqual(left, right);
}

function leavesEqual(left: CelInput | undefined, right: CelInput | undefined): boolean {
  return equality?.call(0, undefined, [left as CelValue, right as CelValue]) === true;
}

const piece = 1024;

/** Negative, 0 or positive: the order of code points, which CEL has and JavaScript has not for those beyond 0xFFFF. */
export function orderOf(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let at = 0;
  // Long texts are compared by pieces, which is ten times as fast.
  while (at + piece <= most && left.slice(at, at + piece) === right.slice(at, at + piece)) at += piece;
  while (at < most && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  spend(at / 1024);
  if (at === most) return left.length - right.length;
  return rankOf(left.charCodeAt(at)) - rankOf(right.charCodeAt(at));
}

/** Halves of a pair stand for what is beyond all single units. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** In place of the library's: charged, and texts in the order of the language. */
export const comparisons: CelFunc[] = [
  celFunc('_==_', [DYN, DYN], BOOL, (left, right) => equal(left, right)),
  celFunc('_!=_', [DYN, DYN], BOOL, (left, right) => !equal(left, right)),
  celFunc('@in', [DYN, listType(DYN)], BOOL, (value, list) => {
    for (const element of list) if (equal(element, value)) return true;
    return false;
  }),
  celFunc('_<_', [STRING, STRING], BOOL, (left, right) => orderOf(left, right) < 0),
  celFunc('_<=_', [STRING, STRING], BOOL, (left, right) => orderOf(left, right) <= 0),
  celFunc('_>_', [STRING, STRING], BOOL, (left, right) => orderOf(left, right) > 0),
  celFunc('_>=_', [STRING, STRING], BOOL, (left, right) => orderOf(left, right) >= 0),
];
