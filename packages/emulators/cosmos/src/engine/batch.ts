import { z } from "zod";
import { FAILED_CHARGE, round } from "./model/charge";
import type { Container } from "./container";
import { badRequest, CosmosError } from "./model/cosmos-error";
import type { Json } from "./model/json";
import { execute, type Operation, type OperationKind, type Outcome } from "./operations";
import { parseRequestedKey, requireFullKey } from "./model/partition-key";
import { Transaction } from "./transaction";

const MAX_OPERATIONS = 100;
const FAILED_DEPENDENCY = 424;

const KIND: Record<string, OperationKind> = {
  Create: "create",
  Upsert: "upsert",
  Replace: "replace",
  Delete: "delete",
  Patch: "patch",
  Read: "read",
};

// The bodies of documents are not checked here but when the operation is carried out.
const BatchOperation = z.object({
  operationType: z.enum(["Create", "Upsert", "Replace", "Delete", "Patch", "Read"]),
  id: z.string().optional(),
  partitionKey: z.string().optional(),
  ifMatch: z.string().optional(),
  ifNoneMatch: z.string().optional(),
  resourceBody: z.custom<Json>().optional(),
});
type BatchOperation = z.infer<typeof BatchOperation>;

export interface BatchResult {
  readonly failed: boolean;
  readonly charge: number;
  /** The array of results, as JSON text. */
  readonly body: string;
}

export interface BatchOptions {
  /** Leaves the written documents out of the reply. */
  readonly minimal: boolean;
  readonly nowMs: number;
}

/** @throws CosmosError `BadRequest` if the body is not a list of operations within the limit */
export function parseBatch(body: Json): BatchOperation[] {
  if (!Array.isArray(body) || body.length === 0) {
    throw badRequest("The body of a batch must be an array of operations.");
  }
  if (body.length > MAX_OPERATIONS) {
    throw badRequest(`The batch has ${body.length} operations; the limit is ${MAX_OPERATIONS}.`);
  }
  return body.map((item, index) => {
    const parsed = BatchOperation.safeParse(item);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw badRequest(
      `Operation ${index}: '${issue?.path.join(".") ?? ""}' ${issue?.message ?? "is not valid"}.`,
    );
  });
}

function operationOf(item: BatchOperation): Operation {
  return {
    kind: KIND[item.operationType] ?? "read",
    id: item.id,
    body: item.resourceBody,
    ifMatch: item.ifMatch,
    ifNoneMatch: item.ifNoneMatch,
  };
}

interface Result {
  readonly outcome: Outcome | undefined;
  readonly error: CosmosError | undefined;
}

/** Runs all of the operations or none, within one partition key. */
export function runTransactionalBatch(
  container: Container,
  partitionKey: string,
  operations: readonly BatchOperation[],
  options: BatchOptions,
): BatchResult {
  const transaction = new Transaction(container, partitionKey, options.nowMs);
  const results: Result[] = [];
  for (const item of operations) {
    try {
      results.push({ outcome: execute(transaction, operationOf(item)), error: undefined });
    } catch (error) {
      if (!(error instanceof CosmosError)) throw error;
      return failedBatch(operations.length, results.length, error);
    }
  }
  transaction.commit();
  return resultOf(container, operations, results, options);
}

function failedBatch(length: number, failedIndex: number, error: CosmosError): BatchResult {
  const body = Array.from({ length }, (_, index) =>
    index === failedIndex
      ? {
          statusCode: error.status,
          subStatusCode: error.substatus ?? 0,
          requestCharge: FAILED_CHARGE,
          message: error.message,
        }
      : { statusCode: FAILED_DEPENDENCY, subStatusCode: 0, requestCharge: 0 },
  );
  return { failed: true, charge: FAILED_CHARGE, body: JSON.stringify(body) };
}

/** Runs every operation by itself, with its own partition key. */
export function runBulk(
  container: Container,
  operations: readonly BatchOperation[],
  options: BatchOptions & { readonly continueOnError: boolean },
): BatchResult {
  const components = container.definition.partitionKeyPaths.length;
  const results: Result[] = [];
  let stopped = false;
  for (const item of operations) {
    if (stopped) {
      const error = new CosmosError("FailedDependency", "An earlier operation failed.");
      results.push({ outcome: undefined, error });
      continue;
    }
    try {
      const key =
        item.partitionKey === undefined ? undefined : parseRequestedKey(item.partitionKey);
      const transaction = new Transaction(
        container,
        requireFullKey(key, components),
        options.nowMs,
      );
      const outcome = execute(transaction, operationOf(item));
      transaction.commit();
      results.push({ outcome, error: undefined });
    } catch (error) {
      if (!(error instanceof CosmosError)) throw error;
      results.push({ outcome: undefined, error });
      stopped = !options.continueOnError;
    }
  }
  return resultOf(container, operations, results, options);
}

function resultOf(
  container: Container,
  operations: readonly BatchOperation[],
  results: readonly Result[],
  options: BatchOptions,
): BatchResult {
  let charge = 0;
  let failed = false;
  const items = results.map(({ outcome, error }, index) => {
    if (outcome === undefined) {
      failed = true;
      charge += FAILED_CHARGE;
      return JSON.stringify({
        statusCode: error?.status ?? FAILED_DEPENDENCY,
        subStatusCode: error?.substatus ?? 0,
        requestCharge: FAILED_CHARGE,
        message: error?.message ?? "",
      });
    }
    charge += outcome.charge;
    const head = `{"statusCode":${outcome.status},"requestCharge":${outcome.charge}`;
    if (outcome.document === undefined) return `${head}}`;
    const etag = JSON.stringify(container.etag(outcome.document));
    const silent =
      outcome.status === 304 || (options.minimal && operations[index]?.operationType !== "Read");
    if (silent) return `${head},"eTag":${etag}}`;
    return `${head},"eTag":${etag},"resourceBody":${container.render(outcome.document)}}`;
  });
  return { failed, charge: round(charge), body: `[${items.join(",")}]` };
}
