/** A client of delta as Microsoft describes it: follows the links, merges by id, applies removals. */
import type { Client } from "@microsoft/microsoft-graph-client";

export interface Folded {
  readonly properties: Record<string, unknown>;
  readonly related: Set<string>;
}

export interface DeltaItem extends Record<string, unknown> {
  readonly id: string;
}

export interface Round {
  readonly pages: DeltaItem[][];
  readonly deltaLink: string;
}

export async function readRound(
  client: Client,
  link: string,
  headers: Record<string, string> = {},
): Promise<Round> {
  const pages: DeltaItem[][] = [];
  for (let next = link; ;) {
    const page = (await client.api(next).headers(headers).get()) as Record<string, unknown>;
    pages.push(page["value"] as DeltaItem[]);
    const deltaLink = page["@odata.deltaLink"];
    if (typeof deltaLink === "string") return { pages, deltaLink };
    next = page["@odata.nextLink"] as string;
  }
}

interface Link {
  readonly id: string;
  readonly "@removed"?: unknown;
}

export function fold(state: Map<string, Folded>, items: Iterable<DeltaItem>): void {
  for (const { id, ...item } of items) {
    if (item["@removed"] !== undefined) {
      state.delete(id);
      continue;
    }
    const folded = state.get(id) ?? { properties: {}, related: new Set<string>() };
    state.set(id, folded);
    for (const [name, value] of Object.entries(item)) {
      if (!name.endsWith("@delta")) {
        folded.properties[name] = value;
        continue;
      }
      for (const link of value as Link[]) {
        if (link["@removed"] === undefined) folded.related.add(link.id);
        else folded.related.delete(link.id);
      }
    }
  }
}
