import type { ReadReply } from "./reply-reader";
import type { ListPage } from "./operations";

/** Most items that the API returns in one page: the upper bound of `limit` in the contracts' `listQuery`. */
const PAGE_ITEMS = 200;

/** The beginning of a list. */
export interface Listed<Item> {
  readonly value: readonly Item[];
  /** The pages as one, with the fields that their schema does not know. */
  readonly raw: unknown;
  /** True when the list goes on. */
  readonly more: boolean;
}

/** The API names the page that it has just returned as the next one: the list would never end. */
export class RepeatedPage extends Error {
  override readonly name = "RepeatedPage";
  /** Method and path, without the query. */
  readonly request: string;

  constructor(request: string) {
    super(`${request} returns the same page of the list repeatedly`);
    this.request = request;
  }
}

/**
 * The first `limit` items of a list, read page by page.
 *
 * @throws RepeatedPage
 */
export async function listPages<Item>(
  request: string,
  limit: number,
  pageAt: (query: {
    readonly limit: number;
    readonly continuation: string | undefined;
  }) => Promise<ReadReply<ListPage<Item>>>,
): Promise<Listed<Item>> {
  const items: Item[] = [];
  const rawItems: unknown[] = [];
  let continuation: string | undefined;
  do {
    const before = continuation;
    const page = await pageAt({ limit: Math.min(PAGE_ITEMS, limit - items.length), continuation });
    // One by one: a reply may hold more items than a call takes arguments.
    for (const item of page.value.items) items.push(item);
    for (const item of itemsOf(page.raw)) rawItems.push(item);
    continuation = page.value.continuation ?? undefined;
    if (continuation !== undefined && continuation === before) throw new RepeatedPage(request);
  } while (continuation !== undefined && items.length < limit);
  return {
    value: items,
    raw: { items: rawItems, continuation: continuation ?? null },
    more: continuation !== undefined,
  };
}

function itemsOf(raw: unknown): readonly unknown[] {
  if (typeof raw !== "object" || raw === null || !("items" in raw)) return [];
  const { items } = raw;
  return Array.isArray(items) ? (items as readonly unknown[]) : [];
}
