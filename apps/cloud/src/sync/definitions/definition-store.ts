/**
 * Container `definitions`, behind a cache of 10 s: the timer asks every tick. What this process writes drops the cache;
 * another process sees a change after 10 s at most and a new definition immediately; every enumeration reads the
 * newest.
 */
import type { Database } from "@azure/cosmos";
import { containers, DefinitionId, SyncDefinition } from "@postern/contracts";
import { z } from "zod";
import type { WallClock } from "@postern/runtime";
import type { DefinitionRecord, DefinitionStore, Stored } from "../../ports/stores";
import { etagOf, guarded, queryAll, statusOf } from "../../azure/cosmos-operations";

const CACHE_MS = 10_000;

const StoredDefinition = z.object({
  id: DefinitionId,
  definition: SyncDefinition,
  appliedAt: z.string(),
  resyncDue: z.boolean(),
});

export function createDefinitionStore(database: Database, clock: WallClock): DefinitionStore {
  const container = database.container(containers.definitions);
  let cached:
    { readonly atMs: number; readonly all: readonly Stored<DefinitionRecord>[] } | undefined;
  /** The same etag gives the same object: what was compiled from it is found again. */
  const known = new Map<string, Stored<DefinitionRecord>>();

  const stored = (resource: unknown, etag: string): Stored<DefinitionRecord> => {
    const id = idOf(resource);
    const before = known.get(id);
    if (before?.etag === etag) return before;
    const record = { value: StoredDefinition.parse(resource), etag };
    known.set(id, record);
    return record;
  };
  const list = async (fresh: boolean): Promise<readonly Stored<DefinitionRecord>[]> => {
    if (!fresh && cached !== undefined && clock.now() - cached.atMs < CACHE_MS) return cached.all;
    const atMs = clock.now();
    const documents = await queryAll(container, { query: "SELECT * FROM c" });
    const all = documents
      .map((document) => stored(document, etagOf(document)))
      .toSorted((a, b) => (a.value.id < b.value.id ? -1 : 1));
    cached = { atMs, all };
    return all;
  };
  return {
    get: async (id, options) => {
      if (options?.fresh !== true) {
        const known = (await list(false)).find(({ value }) => value.id === id);
        // What the cache does not have may be younger than the cache: others have made it, and speak of it.
        if (known !== undefined) return known;
      }
      const { resource, etag } = await guarded(() => container.item(id, id).read<{ id: string }>());
      return resource === undefined ? undefined : stored(resource, etag);
    },
    list: (options) => list(options?.fresh === true),
    create: async (record) => {
      cached = undefined;
      return unlessStatus(409, async () => {
        const { resource, etag } = await container.items.create({ ...record });
        return stored(resource, etag);
      });
    },
    replace: async (record, etag) => {
      cached = undefined;
      return unlessStatus(412, async () => {
        const written = await container
          .item(record.id, record.id)
          .replace({ ...record }, { accessCondition: { type: "IfMatch", condition: etag } });
        return stored(written.resource, written.etag);
      });
    },
  };
}

function idOf(resource: unknown): string {
  return typeof resource === "object" && resource !== null && "id" in resource
    ? String(resource.id)
    : "";
}

async function unlessStatus<T>(status: number, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await guarded(call);
  } catch (error) {
    if (statusOf(error) === status) return undefined;
    throw error;
  }
}
