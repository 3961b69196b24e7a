import type { Container, SqlQuerySpec } from "@azure/cosmos";
import type { z } from "zod";
import type { Stored } from "../ports/stores";
import { guarded, queryAll, statusOf } from "./cosmos-operations";

/** Documents of one kind in a Cosmos DB container: point reads, writes with etags, and queries of limited size. */
export interface DocumentContainer<T extends { readonly id: string }> {
  /** Undefined when a document with that id exists. */
  create(document: T): Promise<Stored<T> | undefined>;
  read(id: string, partition: string): Promise<Stored<T> | undefined>;
  /** Undefined when the document has changed since `etag`, or no longer exists. */
  replace(document: T, partition: string, etag: string): Promise<Stored<T> | undefined>;
  query(spec: SqlQuerySpec): Promise<T[]>;
}

export function documentContainer<T extends { readonly id: string }>(
  container: Container,
  schema: z.ZodType<T>,
): DocumentContainer<T> {
  const stored = (resource: unknown, etag: string): Stored<T> => ({
    value: schema.parse(resource),
    etag,
  });
  return {
    create: (document) =>
      unless([409], async () => {
        const { resource, etag } = await container.items.create(document);
        return stored(resource, etag);
      }),
    read: (id, partition) =>
      unless([404], async () => {
        const { resource, etag } = await container.item(id, partition).read<{ id: string }>();
        return resource === undefined ? undefined : stored(resource, etag);
      }),
    replace: (document, partition, etag) =>
      unless([404, 412], async () => {
        const accessCondition = { type: "IfMatch", condition: etag };
        const { resource, etag: written } = await container
          .item(document.id, partition)
          .replace(document, { accessCondition });
        return stored(resource, written);
      }),
    query: async (spec) => {
      const resources = await queryAll(container, spec);
      return resources.map((resource) => schema.parse(resource));
    },
  };
}

/** Undefined for the given statuses. */
async function unless<R>(
  statuses: readonly number[],
  call: () => Promise<R>,
): Promise<R | undefined> {
  try {
    return await guarded(call);
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}
