import type { Container, JSONObject, OperationInput, SqlQuerySpec } from "@azure/cosmos";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceUnavailable } from "@postern/runtime";

/**
 * What several stores need of Cosmos DB: bulk requests with a status per operation, queries, and a reading of errors.
 */
export interface OperationResult {
  readonly status: number;
  readonly etag: string;
  readonly body: unknown;
}

/** Operations of one bulk request, and bulk requests at a time. */
const BULK_OPERATIONS = 100;
const BULK_PARALLEL = 4;
const THROTTLED_ROUNDS = 4;
const THROTTLED_WAIT_MS = 200;

const THROTTLED = 429;
/** Conflicting writes within the service: the caller sends the request again. */
const RETRY_WITH = 449;
const TRANSIENT = new Set([408, THROTTLED, RETRY_WITH, 500, 502, 503]);

/**
 * Runs operations, each with its own partition key and its own status. Throttled ones are sent again, a limited
 * number of times.
 *
 * It uses the older `bulk`: `executeBulkOperations` waits a full second for a last batch that is not full, which
 * would add two seconds to each change on its way.
 */
export async function bulk(
  container: Container,
  operations: readonly OperationInput[],
): Promise<OperationResult[]> {
  const results = new Array<OperationResult>(operations.length);
  let open = operations.map((_, index) => index);
  for (let round = 0; ; round += 1) {
    await eachChunk(open, async (chunk) => {
      const answers = await guarded(() =>
        container.items.bulk(
          chunk.flatMap((index) => operations[index] ?? []),
          { continueOnError: true },
        ),
      );
      chunk.forEach((index, position) => {
        const answer = answers[position];
        results[index] = {
          status: answer?.statusCode ?? THROTTLED,
          etag: answer?.eTag ?? "",
          body: answer?.resourceBody,
        };
      });
    });
    open = open.filter((index) => TRANSIENT.has(results[index]?.status ?? 0));
    if (open.length === 0) return results;
    if (round === THROTTLED_ROUNDS) {
      throw new ServiceUnavailable("cosmos", "Cosmos DB throttles bulk operations");
    }
    await delay(THROTTLED_WAIT_MS * 2 ** round);
  }
}

async function eachChunk(
  indexes: readonly number[],
  work: (chunk: readonly number[]) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < indexes.length) {
      const chunk = indexes.slice(next, next + BULK_OPERATIONS);
      next += BULK_OPERATIONS;
      await work(chunk);
    }
  };
  await Promise.all(Array.from({ length: BULK_PARALLEL }, lane));
}

/** All documents of a query whose result is small by nature. */
export async function queryAll(
  container: Container,
  spec: SqlQuerySpec,
  partitionKey?: string,
): Promise<unknown[]> {
  const options = partitionKey === undefined ? {} : { partitionKey };
  const { resources } = await guarded(() =>
    container.items.query<unknown>(spec, options).fetchAll(),
  );
  return resources;
}

/** The cause, without what the SDK wraps around it for bulk requests and transactions. */
function rootOf(error: unknown): unknown {
  return error instanceof Error && !("code" in error) && error.cause !== undefined
    ? error.cause
    : error;
}

/** HTTP status of an error of the SDK, 503 if the connection failed; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  const root = rootOf(error);
  if (typeof root !== "object" || root === null || !("code" in root)) return undefined;
  const { code } = root;
  if (typeof code === "number") return code;
  return typeof code === "string" && /^(E[A-Z_]+|REQUEST_SEND_ERROR|Timeout(Error)?)$/.test(code)
    ? 503
    : undefined;
}

/** @throws ServiceUnavailable for passing failures: throttling, time-outs, lost connections */
export async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const status = statusOf(error);
    const root = rootOf(error);
    const name = root instanceof Error ? root.name : "";
    const passing =
      (status !== undefined && TRANSIENT.has(status)) ||
      name === "TimeoutError" ||
      name === "AbortError";
    if (!passing) throw error;
    throw new ServiceUnavailable("cosmos", `Cosmos DB does not answer (${status ?? name})`, {
      cause: error,
    });
  }
}

/** A document without the properties that Cosmos DB adds. */
export function withoutSystemProperties(resource: unknown): Record<string, unknown> {
  if (typeof resource !== "object" || resource === null) return {};
  const { _rid, _self, _etag, _attachments, _ts, _lsn, ...document } = resource as Record<
    string,
    unknown
  >;
  return document;
}

export function etagOf(resource: unknown): string {
  if (typeof resource !== "object" || resource === null || !("_etag" in resource)) return "";
  return typeof resource._etag === "string" ? resource._etag : "";
}

/** A document as the SDK's types want it: they do not know optional properties, which JSON leaves out. */
export function jsonBody(document: object): JSONObject {
  return document as JSONObject;
}
