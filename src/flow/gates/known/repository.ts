/** `https://github.com/acme/checkout.git` becomes `github.com/acme/checkout`; in lower case, since most forges do not tell cases apart. */
function plainRepository(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/^[a-z+]+:\/\//, '')
    .replace(/^[^@/]*@/, '')
    .replace(/^([^:/]+):(?!\d+\/)/, '$1/')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}

/** The last part of the name. */
export function lastOf(repository: string): string {
  return plainRepository(repository).split('/').at(-1) ?? '';
}

/** True when both may be one repository: the names are equal, or one of them is the other without its host. */
export function isSameRepository(a: string, b: string): boolean {
  const [left, right] = [plainRepository(a), plainRepository(b)];
  return left === right || left.endsWith(`/${right}`) || right.endsWith(`/${left}`);
}
