/**
 * Container `index`: a document an entity, partitioned by lane. Documents of one lane travel together: written in one
 * transaction, read in one query. The SDK's bulk operations would hash the partition key of every single document,
 * which costs as much as all the rest.
 */
import type { Container, Database, OperationInput } from "@azure/cosmos";
import {
  containers,
  type DefinitionId,
  entityKey,
  type EntityRef,
  type IndexEntry,
  type Lane,
  laneOf,
} from "@postern/contracts";
import { setTimeout as delay } from "node:timers/promises";
import type { Enumeration, IndexStore, IndexWrite, Standing, Stored } from "../../ports/stores";
import { ServiceUnavailable } from "@postern/runtime";
import {
  etagOf,
  guarded,
  jsonBody,
  queryAll,
  withoutSystemProperties,
} from "../../azure/cosmos-operations";

const LOST = new Set([404, 409, 412]);
const TRANSIENT = new Set([408, 429, 449, 500, 503]);
const FAILED_DEPENDENCY = 424;
const ENDS_PER_QUERY = 200;
/** Operations of one transaction (facts: Cosmos). */
const LANE_OPERATIONS = 100;
/** Bytes of one transaction: 2 MB, and room for what is around its operations. */
const LANE_BYTES = 1_900_000;
const OPERATION_BYTES = 500;
const PARALLEL = 4;
const ATTEMPTS = 5;
const THROTTLED_WAIT_MS = 200;

export function createIndexStore(database: Database): IndexStore {
  const container = database.container(containers.index);
  return {
    read: async (definition, entities) => {
      const found = new Map<string, Stored<IndexEntry>>();
      await readLanes(container, definition, entities, "*", (document) => {
        const entry = entryOf(document);
        found.set(entry.id, { value: entry, etag: etagOf(document) });
      });
      return found;
    },
    standings: async (definition, entities) => {
      const found = new Map<string, Standing>();
      const columns = 'c.id, c["exists"], c.inScope, c.held';
      await readLanes(container, definition, entities, columns, (document) => {
        const { id, ...standing } = entryOf(document);
        found.set(id, standing);
      });
      return found;
    },
    write: async (writes) => {
      const etags = new Map<string, string>();
      const parts: IndexWrite[][] = [];
      for (const ofLane of Map.groupBy(writes, ({ entry }) => entry.lane).values()) {
        let part: IndexWrite[] = [];
        let bytes = 0;
        for (const write of ofLane) {
          const size = Buffer.byteLength(JSON.stringify(write.entry)) + OPERATION_BYTES;
          if (part.length === LANE_OPERATIONS || bytes + size > LANE_BYTES) {
            if (part.length > 0) parts.push(part);
            part = [];
            bytes = 0;
          }
          part.push(write);
          bytes += size;
        }
        if (part.length > 0) parts.push(part);
      }
      let lost = false;
      await inParallel(parts, async (part) => {
        // Whatever is written of a page that has lost is written for nothing.
        if (lost || !(await writePart(container, part, etags))) lost = true;
      });
      return lost ? undefined : etags;
    },
    membershipsOf: async (definition, { groupIds, memberIds }) => {
      const found = new Map<string, Stored<IndexEntry>>();
      for (const [property, ids] of [
        ["groupId", groupIds],
        ["memberId", memberIds],
      ] as const) {
        for (let start = 0; start < ids.length; start += ENDS_PER_QUERY) {
          const documents = await queryAll(container, {
            query: `SELECT * FROM c WHERE ARRAY_CONTAINS(@ids, c.${property}) AND STARTSWITH(c.lane, @lanes)`,
            parameters: [
              { name: "@ids", value: ids.slice(start, start + ENDS_PER_QUERY) },
              { name: "@lanes", value: `${definition}/` },
            ],
          });
          for (const document of documents) {
            const entry = entryOf(document);
            found.set(entry.id, { value: entry, etag: etagOf(document) });
          }
        }
      }
      return [...found.values()];
    },
    leftBehind: (definition, types, enumeration, limit) =>
      leftBehind(container, definition, types, enumeration, limit),
    countHeld: async (definition) => {
      const [count] = await queryAll(container, {
        query:
          "SELECT VALUE COUNT(1) FROM c WHERE STARTSWITH(c.lane, @lanes) AND IS_DEFINED(c.held)",
        parameters: [{ name: "@lanes", value: `${definition}/` }],
      });
      return typeof count === "number" ? count : 0;
    },
  };
}

async function leftBehind(
  container: Container,
  definition: DefinitionId,
  types: readonly IndexEntry["entity"]["type"][],
  { generation, comparedFrom }: Enumeration,
  limit: number,
): Promise<Stored<IndexEntry>[]> {
  const query = container.items.query<unknown>(
    {
      query:
        "SELECT * FROM c WHERE STARTSWITH(c.lane, @lanes) AND ARRAY_CONTAINS(@types, c.entity.type) " +
        'AND ((c.generation < @generation AND (c["exists"] = true OR c.version > @comparedFrom)) OR (c.generation = @generation AND IS_DEFINED(c.unseen)) OR IS_DEFINED(c.swept))',
      parameters: [
        { name: "@lanes", value: `${definition}/` },
        { name: "@types", value: [...types] },
        { name: "@generation", value: generation },
        { name: "@comparedFrom", value: comparedFrom },
      ],
    },
    { maxItemCount: limit },
  );
  const found: Stored<IndexEntry>[] = [];
  while (query.hasMoreResults() && found.length < limit) {
    const { resources } = await guarded(() => query.fetchNext());
    for (const document of resources ?? []) {
      found.push({ value: entryOf(document), etag: etagOf(document) });
    }
  }
  return found.slice(0, limit);
}

/** Not checked against its schema: only this code writes it, and it is read by the thousand. */
function entryOf(document: unknown): IndexEntry {
  return withoutSystemProperties(document) as unknown as IndexEntry;
}

/** Reads entities lane by lane: those that exist, in no order. */
async function readLanes(
  container: Container,
  definition: DefinitionId,
  entities: readonly EntityRef[],
  columns: string,
  take: (document: unknown) => void,
): Promise<void> {
  const lanes = new Map<Lane, Set<string>>();
  for (const entity of entities) {
    const lane = laneOf(definition, entity);
    const ids = lanes.get(lane);
    if (ids === undefined) lanes.set(lane, new Set([entityKey(entity)]));
    else ids.add(entityKey(entity));
  }
  await inParallel([...lanes], async ([lane, ids]) => {
    const documents = await queryAll(
      container,
      {
        query: `SELECT ${columns} FROM c WHERE ARRAY_CONTAINS(@ids, c.id)`,
        parameters: [{ name: "@ids", value: [...ids] }],
      },
      lane,
    );
    documents.forEach(take);
  });
}

/** One transaction of one lane. False when any of its writes lost to a newer one. */
async function writePart(
  container: Container,
  part: readonly IndexWrite[],
  etags: Map<string, string>,
): Promise<boolean> {
  const lane = part[0]?.entry.lane ?? "";
  const operations = part.map(({ entry, etag }): OperationInput => {
    const resourceBody = jsonBody(entry);
    return etag === undefined
      ? { operationType: "Create", resourceBody }
      : { operationType: "Replace", id: entry.id, ifMatch: etag, resourceBody };
  });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { result = [], code } = await guarded(() =>
      // The documents are known here already: only their etags are wanted back.
      container.items.batch(operations, lane, { contentResponseOnWriteEnabled: false }),
    );
    const failed = result.find(
      ({ statusCode }) => statusCode >= 300 && statusCode !== FAILED_DEPENDENCY,
    );
    if (failed === undefined && result.length === part.length) {
      part.forEach(({ entry }, index) => {
        const written = result[index];
        etags.set(entry.id, written?.eTag ?? etagOf(written?.resourceBody));
      });
      return true;
    }
    const status = failed?.statusCode ?? code ?? 0;
    if (LOST.has(status)) return false;
    if (!TRANSIENT.has(status))
      throw new Error(`Cosmos DB returned ${status} for a write of the index`);
    await delay(THROTTLED_WAIT_MS * 2 ** attempt);
  }
  throw new ServiceUnavailable("cosmos", "Cosmos DB throttles writes of the index");
}

async function inParallel<T>(parts: readonly T[], work: (part: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const part = parts[next];
      if (part === undefined) return;
      next += 1;
      await work(part);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, parts.length) }, worker));
}
