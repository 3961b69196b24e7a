import type { z } from "zod";
import { CliError, exitCodes } from "./exit-code";
import type { Api } from "./session/api";

interface Page {
  readonly items: readonly unknown[];
  readonly continuation: string | null;
}

/** As many as the API gives at once. */
const PAGE = 200;

export interface Listed<Item> {
  readonly value: readonly Item[];
  /** Of one page: the API's JSON; of several: their items in one. */
  readonly raw: unknown;
  readonly more: boolean;
}

/** The first `limit` of a list, over as many pages as that takes. */
export async function listPages<Schema extends z.ZodType<Page>>(
  api: Api,
  path: string,
  schema: Schema,
  options: {
    readonly limit: number;
    readonly query?: Readonly<Record<string, string | undefined>>;
  },
): Promise<Listed<z.output<Schema>["items"][number]>> {
  const items: z.output<Schema>["items"][number][] = [];
  const rawItems: unknown[] = [];
  let continuation: string | undefined;
  for (;;) {
    const limit = Math.min(PAGE, options.limit - items.length);
    const page = await api.call("GET", path, schema, {
      query: { ...options.query, limit, continuation },
    });
    items.push(...page.value.items);
    rawItems.push(...itemsOf(page.raw));
    const before = continuation;
    continuation = page.value.continuation ?? undefined;
    if (continuation !== undefined && continuation === before) {
      throw new CliError(
        exitCodes.failed,
        `${api.url} gives the same page of the list again and again (GET /api/${path})`,
        ["try again; if it stays so, the cloud app is at fault"],
      );
    }
    if (continuation === undefined || items.length >= options.limit) break;
  }
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
