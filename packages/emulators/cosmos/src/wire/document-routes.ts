import { parseBatch, runBulk, runTransactionalBatch, type BatchResult } from "../engine/batch";
import { readChanges } from "../engine/change-feed";
import type { Container } from "../engine/container";
import { parseQueryBody, queryDocuments, type QueryPage } from "../engine/document-query";
import { badRequest, CosmosError } from "../engine/model/cosmos-error";
import { execute, type OperationKind } from "../engine/operations";
import { requireFullKey } from "../engine/model/partition-key";
import { Transaction } from "../engine/transaction";
import type { Reply } from "./reply";
import type { CosmosRequest } from "./request";

const MAX_BATCH_BYTES = 2 * 1024 * 1024;

/** Operations on documents, by the names that faults and counters use. */
export type DocumentOperation = OperationKind | "batch" | "bulk" | "query" | "change-feed";

/**
 * The operation of a request on `/docs`.
 *
 * @throws CosmosError `MethodNotAllowed`
 */
export function documentOperation(request: CosmosRequest): DocumentOperation | "query-plan" {
  const onDocument = request.segments.length === 6;
  switch (request.method) {
    case "GET":
      if (onDocument) return "read";
      return request.header("a-im") === undefined ? "query" : "change-feed";
    case "PUT":
      if (onDocument) return "replace";
      break;
    case "PATCH":
      if (onDocument) return "patch";
      break;
    case "DELETE":
      if (onDocument) return "delete";
      break;
    case "POST":
      if (onDocument) break;
      if (request.flag("x-ms-cosmos-is-query-plan-request")) return "query-plan";
      if (request.flag("x-ms-cosmos-is-batch-request")) {
        return request.flag("x-ms-cosmos-batch-atomic") ? "batch" : "bulk";
      }
      if (request.flag("x-ms-documentdb-isquery") || isQueryType(request)) return "query";
      return request.flag("x-ms-documentdb-is-upsert") ? "upsert" : "create";
    default:
      break;
  }
  throw new CosmosError("MethodNotAllowed", `${request.method} is not possible here.`);
}

function isQueryType(request: CosmosRequest): boolean {
  return request.header("content-type")?.startsWith("application/query+json") === true;
}

/** Carries out a request on the documents of a container. */
export function handleDocuments(
  request: CosmosRequest,
  container: Container,
  operation: DocumentOperation,
  nowMs: number,
): Reply {
  switch (operation) {
    case "create":
    case "upsert":
    case "replace":
    case "delete":
    case "patch":
    case "read":
      return handlePoint(request, container, operation, nowMs);
    case "batch":
    case "bulk":
      return handleBatch(request, container, operation, nowMs);
    case "query":
      return handleQuery(request, container, nowMs);
    case "change-feed":
      return handleChangeFeed(request, container, nowMs);
  }
}

function handlePoint(
  request: CosmosRequest,
  container: Container,
  kind: OperationKind,
  nowMs: number,
): Reply {
  const components = container.definition.partitionKeyPaths.length;
  const key = requireFullKey(request.partitionKey(), components);
  const transaction = new Transaction(container, key, nowMs);
  const { status, document, charge } = execute(transaction, {
    kind,
    id: request.segments[5],
    body: kind === "read" || kind === "delete" ? undefined : request.requiredBody(),
    ifMatch: request.header("if-match"),
    ifNoneMatch: request.header("if-none-match"),
  });
  transaction.commit();
  const body = document === undefined || status === 304 ? "" : container.render(document);
  const etag = document === undefined ? undefined : container.etag(document);
  return { status, body, charge, container, etag };
}

function handleBatch(
  request: CosmosRequest,
  container: Container,
  kind: "batch" | "bulk",
  nowMs: number,
): Reply {
  if (kind === "batch" && request.bodyLength > MAX_BATCH_BYTES) {
    throw new CosmosError("RequestEntityTooLarge", "The batch is too large: over 2 MB.");
  }
  const operations = parseBatch(request.requiredBody());
  const minimal = request.header("prefer")?.toLowerCase() === "return=minimal";
  let result: BatchResult;
  if (kind === "batch") {
    const components = container.definition.partitionKeyPaths.length;
    const key = requireFullKey(request.partitionKey(), components);
    result = runTransactionalBatch(container, key, operations, { minimal, nowMs });
  } else {
    const continueOnError = request.header("x-ms-cosmos-batch-continue-on-error") !== "false";
    result = runBulk(container, operations, { minimal, nowMs, continueOnError });
  }
  const { body, charge, failed } = result;
  return { status: failed ? 207 : 200, body, charge, container };
}

function maxItems(request: CosmosRequest): number | undefined {
  const text = request.header("x-ms-max-item-count");
  if (text === undefined) return undefined;
  const count = Number(text);
  if (count === -1 || (Number.isInteger(count) && count > 0)) return count;
  throw badRequest("x-ms-max-item-count must be -1 or a positive whole number.");
}

function handleQuery(request: CosmosRequest, container: Container, nowMs: number): Reply {
  const query =
    request.method === "GET"
      ? { text: "SELECT * FROM c", parameters: new Map() }
      : parseQueryBody(request.requiredBody());
  const page = queryDocuments(container, {
    ...query,
    key: request.partitionKey(),
    maxItems: maxItems(request),
    continuation: request.header("x-ms-continuation"),
    nowMs,
  });
  return feedReply(container, page);
}

function feedReply(container: Container, { items, continuation, charge }: QueryPage): Reply {
  const rid = JSON.stringify(container.resourceId);
  const body = `{"_rid":${rid},"Documents":[${items.join(",")}],"_count":${items.length}}`;
  return { status: 200, body, charge, container, continuation, itemCount: items.length };
}

function handleChangeFeed(request: CosmosRequest, container: Container, nowMs: number): Reply {
  if (request.header("a-im")?.toLowerCase() !== "incremental feed") {
    throw new CosmosError(
      "NotImplemented",
      "Only the latest-version mode of the change feed is emulated.",
    );
  }
  if (request.header("x-ms-start-epk") !== undefined) {
    throw new CosmosError(
      "NotImplemented",
      "The change feed is emulated for a whole container and for a full partition key, not for ranges of it.",
    );
  }
  const changes = readChanges(container, {
    key: request.partitionKey(),
    maxItems: maxItems(request),
    after: request.header("if-none-match"),
    since: request.header("if-modified-since"),
    nowMs,
  });
  if (changes.items.length === 0) {
    return { status: 304, body: "", charge: 1, container, etag: changes.etag };
  }
  return { ...feedReply(container, { ...changes, continuation: undefined }), etag: changes.etag };
}
