/** Container `progress`: everything of one definition in one logical partition, so that a page commits as a whole. */
import {
  type Container,
  type Database,
  type OperationInput,
  type PatchOperation,
} from "@azure/cosmos";
import {
  Checkpoint,
  checkpointId,
  containers,
  Cycle,
  DefinitionCounter,
  type DefinitionId,
  Marker,
  PageRecord,
} from "@postern/contracts";
import { cycleDocumentId } from "./cycle-document";
import { z } from "zod";
import type { ProgressOperation, ProgressStore, Stored, TransactionResult } from "../ports/stores";
import { ServiceUnavailable } from "@postern/runtime";
import { pageId } from "./document-ids";
import { bulk, etagOf, guarded, jsonBody, queryAll } from "../azure/cosmos-operations";

const CONFLICT = 409;
const FAILED_DEPENDENCY = 424;
/** What sums need of page records and markers, asked for in one request; lists of exceptions stay where they are. */
const HISTORY_COLUMNS =
  "c.id, c.type, c.definition, c.stream, c.cycleId, c.version, " +
  'c["read"], c["count"], c.held, c.committedAt, ' +
  "c.workMessageId, c.counts, c.withdrawn, c.retries, c.at";
const HistoryMarker = Marker.extend({ exceptions: Marker.shape.exceptions.default([]) });
const HistoryDocument = z.discriminatedUnion("type", [PageRecord, HistoryMarker]);

export function createProgressStore(database: Database): ProgressStore {
  const container = database.container(containers.progress);
  const point = <T>(definition: DefinitionId, id: string, schema: z.ZodType<T>) =>
    readPoint(container, definition, id, schema);
  return {
    checkpoint: (definition, stream) => point(definition, checkpointId(stream), Checkpoint),
    counter: (definition) => point(definition, "counter", DefinitionCounter),
    committed: async (definition, versions) => {
      const results = await bulk(
        container,
        versions.map((version) => ({
          operationType: "Read",
          id: pageId(version),
          partitionKey: definition,
        })),
      );
      // A page that is wrongly taken for abandoned is only done once more.
      return new Set(versions.filter((_, index) => (results[index]?.status ?? 404) < 300));
    },
    cycle: (definition, cycleId) => point(definition, cycleDocumentId(cycleId), Cycle),
    cycles: (definition, options) => cyclesPage(container, definition, options),
    openCycles: async (definition, { limit, after }) => {
      const documents = await queryAll(
        container,
        {
          query: `SELECT TOP ${limit} * FROM c WHERE c.type = 'cycle' AND NOT IS_STRING(c.closedAt) AND c.id > @after ORDER BY c.id ASC`,
          parameters: [
            { name: "@after", value: after === undefined ? "" : cycleDocumentId(after) },
          ],
        },
        definition,
      );
      return documents.map((document) => ({
        value: Cycle.parse(document),
        etag: etagOf(document),
      }));
    },
    history: async (definition, cycles) => {
      const documents = await queryAll(
        container,
        {
          query: `SELECT ${HISTORY_COLUMNS} FROM c WHERE c.type IN ('page', 'marker') AND ARRAY_CONTAINS(@cycles, c.cycleId)`,
          parameters: [{ name: "@cycles", value: [...cycles] }],
        },
        definition,
      );
      const pages: PageRecord[] = [];
      const markers: Marker[] = [];
      for (const document of documents) {
        const found = HistoryDocument.parse(document);
        if (found.type === "page") pages.push(found);
        else markers.push(found);
      }
      return { pages, markers };
    },
    transact: (definition, operations) => transact(container, definition, operations),
    marker: async (definition, id) => (await point(definition, id, Marker))?.value,
    createMarkers: async (markers) => {
      const results = await bulk(
        container,
        markers.map((marker) => ({
          operationType: "Create",
          partitionKey: marker.definition,
          resourceBody: jsonBody(marker),
        })),
      );
      return results.map(({ status }) => {
        if (status >= 300 && status !== CONFLICT) {
          throw new ServiceUnavailable("cosmos", `Cosmos DB returned ${status} for a marker`);
        }
        return status < 300;
      });
    },
  };
}

/**
 * A page continues before the timestamp of the last one, so it never ends between cycles of the same timestamp: it is a
 * few shorter, or longer if all of it has one timestamp. Continuing within a timestamp would have to order by id as
 * well, for which Cosmos needs an additional index.
 */
async function cyclesPage(
  container: Container,
  definition: DefinitionId,
  { limit, continuation }: { readonly limit: number; readonly continuation?: string | undefined },
): Promise<{ items: Cycle[]; continuation: string | null }> {
  const cycles = async (more: string, rest: string, at = ""): Promise<Cycle[]> => {
    const query = `SELECT ${rest} FROM c WHERE c.type = 'cycle'${more} ORDER BY c.startedAt DESC`;
    const parameters = more === "" ? [] : [{ name: "@at", value: at }];
    const found = await queryAll(container, { query, parameters }, definition);
    return found.map((document) => Cycle.parse(document));
  };
  const some = `TOP ${limit + 1} *`;
  const found = await (continuation === undefined
    ? cycles("", some)
    : cycles(" AND c.startedAt < @at", some, continuation));
  const cut = found[limit]?.startedAt;
  if (cut === undefined) return { items: found, continuation: null };
  const whole = found.filter(({ startedAt }) => startedAt !== cut);
  const items = whole.length > 0 ? whole : await cycles(" AND c.startedAt = @at", "*", cut);
  return { items, continuation: items.at(-1)?.startedAt ?? null };
}

async function readPoint<T>(
  container: Container,
  definition: DefinitionId,
  id: string,
  schema: z.ZodType<T>,
): Promise<Stored<T> | undefined> {
  const { resource, etag } = await guarded(() =>
    container.item(id, definition).read<{ id: string }>(),
  );
  return resource === undefined ? undefined : { value: schema.parse(resource), etag };
}

async function transact(
  container: Container,
  definition: DefinitionId,
  operations: readonly ProgressOperation[],
): Promise<TransactionResult> {
  const response = await guarded(() =>
    container.items.batch(operations.map(operationInput), definition),
  );
  const results = response.result ?? [];
  const failedAt = results.findIndex(
    ({ statusCode }) => statusCode >= 300 && statusCode !== FAILED_DEPENDENCY,
  );
  if (failedAt < 0 && results.length === operations.length) {
    return {
      ok: true,
      results: results.map(({ eTag, resourceBody }) => ({
        value: resourceBody,
        etag: eTag ?? etagOf(resourceBody),
      })),
    };
  }
  const status = results[failedAt]?.statusCode ?? response.code ?? 0;
  switch (status) {
    case 404:
      return { ok: false, failedAt, reason: "missing" };
    case 409:
      return { ok: false, failedAt, reason: "exists" };
    case 412:
      return { ok: false, failedAt, reason: "changed" };
    default:
      if ([408, 429, 449, 500, 503].includes(status)) {
        throw new ServiceUnavailable("cosmos", `Cosmos DB refuses a transaction (${status})`);
      }
      throw new Error(`Cosmos DB returned ${status} for operation ${failedAt} of a transaction`);
  }
}

function operationInput(operation: ProgressOperation): OperationInput {
  switch (operation.kind) {
    case "create":
      return { operationType: "Create", resourceBody: jsonBody(operation.document) };
    case "replace":
      return {
        operationType: "Replace",
        id: operation.document.id,
        ifMatch: operation.etag,
        resourceBody: jsonBody(operation.document),
      };
    case "patch":
      return {
        operationType: "Patch",
        id: operation.id,
        ...(operation.etag === undefined ? {} : { ifMatch: operation.etag }),
        resourceBody: { operations: patchOperations(operation) },
      };
  }
}

function patchOperations(
  operation: Extract<ProgressOperation, { kind: "patch" }>,
): PatchOperation[] {
  return [
    ...Object.entries(operation.set ?? {}).map(([path, value]): PatchOperation => ({
      op: "set",
      path,
      value,
    })),
    ...Object.entries(operation.increment ?? {}).map(([path, value]): PatchOperation => ({
      op: "incr",
      path,
      value,
    })),
    ...(operation.remove ?? []).map((path): PatchOperation => ({ op: "remove", path })),
  ];
}
