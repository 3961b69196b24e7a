import type { z } from "zod";
import { CliError, exitCodes } from "./exit-code";
import type { Api } from "./session/api";

interface Page {
  readonly items: readonly unknown[];
  readonly continuation: string | null;
}

/** The largest page that the API returns. */
const PAGE = 200;

export interface Listed<Item> {
  readonly value: readonly Item[];
  /** JSON of the API; the items of several pages are joined. */
  readonly raw: unknown;
  readonly more: boolean;
}

/** Returns the first `limit` items of a list, reading as many pages as needed. */
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
        `${api.url} returns the same page of the list repeatedly (GET /api/${path})`,
        ["try again; if it happens again, report it as a bug in the cloud app"],
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
