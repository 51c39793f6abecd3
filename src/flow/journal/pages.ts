import type { Page } from '../../ports/store.ts';

const perPage = 500;

/** Reads a whole list of the store, page by page: a single read ends at its limit, and would leave out what is old. */
export async function* everyOf<T extends { id: string }>(read: (page: Page) => Promise<T[]>): AsyncGenerator<T> {
  for (let page: Page = { limit: perPage }; ; ) {
    const found = await read(page);
    yield* found;
    const last = found.at(-1);
    if (last === undefined || found.length < perPage) return;
    page = { limit: perPage, after: last.id };
  }
}
