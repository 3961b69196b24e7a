import type { SqlParameter } from "@azure/cosmos";
import type { ListOptions, ListPage } from "../ports/list-page";
import type { DocumentContainer } from "./document-container";

export interface KeysetQuery extends ListOptions {
  /** Conditions over `c`, all of which hold. */
  readonly where: readonly string[];
  readonly parameters: readonly SqlParameter[];
  readonly order: "ASC" | "DESC";
}

/**
 * A page by id, going on after the last id of the page before. Unlike the continuation token of a query it survives
 * new documents, a restart and an index change, and its cost does not grow with the page number.
 */
export async function keysetPage<T extends { readonly id: string }>(
  documents: DocumentContainer<T>,
  query: KeysetQuery,
): Promise<ListPage<T>> {
  const { limit, after, order } = query;
  const where = [...query.where];
  const parameters = [...query.parameters];
  if (after !== undefined) {
    where.push(order === "ASC" ? "c.id > @after" : "c.id < @after");
    parameters.push({ name: "@after", value: after });
  }
  // One more than asked for: whether it is there says whether there is a next page.
  const condition = where.length === 0 ? "" : `WHERE ${where.join(" AND ")} `;
  const found = await documents.query({
    query: `SELECT TOP ${limit + 1} * FROM c ${condition}ORDER BY c.id ${order}`,
    parameters,
  });
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/** Conditions that each given property has the given value. */
export function equalTo(query: Readonly<Record<string, string | undefined>>): {
  where: string[];
  parameters: SqlParameter[];
} {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  );
  return {
    where: given.map(({ name }) => `c["${name}"] = @${name}`),
    parameters: given.map(({ name, value }) => ({ name: `@${name}`, value })),
  };
}
