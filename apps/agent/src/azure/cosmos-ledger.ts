import {
  BulkOperationType,
  type Container,
  CosmosClient,
  type CosmosClientOptions,
  type JSONObject,
  type OperationInput,
} from "@azure/cosmos";
import type { TokenCredential } from "@azure/identity";
import { limits, invariant, type Lane, LedgerEntry, type Secret } from "@postern/contracts";
import { OutageError } from "@postern/runtime";
import type { Ledger, LedgerRecord, LedgerWrite, TrialBook } from "../ports/ledger";
import { CONFLICTS, guarded, outage } from "./cosmos-outage";
import { cosmosTrials } from "./cosmos-trials";

/** The SDK's own retries on 429; beyond them the lane is given back and pauses. */
const connectionPolicy: NonNullable<CosmosClientOptions["connectionPolicy"]> = {
  requestTimeout: 10_000,
  retryOptions: {
    maxRetryAttemptCount: 6,
    fixedRetryIntervalInMilliseconds: 0,
    maxWaitTimeInSeconds: 10,
  },
};

type Resource = LedgerEntry & { readonly _etag: string };

export interface CosmosAccess {
  readonly endpoint: string;
  readonly key?: Secret;
  readonly credential?: TokenCredential;
}

export function openCosmosLedger(
  { endpoint, key, credential }: CosmosAccess,
  place: { readonly database: string; readonly container: string },
): CosmosLedger {
  const client = new CosmosClient({
    endpoint,
    connectionPolicy,
    ...(key === undefined ? {} : { key: key.reveal() }),
    ...(credential === undefined ? {} : { aadCredentials: credential }),
  });
  return new CosmosLedger(client, place.database, place.container);
}

export class CosmosLedger implements Ledger {
  readonly #client: CosmosClient;
  readonly #container: Container;
  readonly trials: TrialBook;

  constructor(client: CosmosClient, database: string, container: string) {
    this.#client = client;
    this.#container = client.database(database).container(container);
    this.trials = cosmosTrials(this.#container);
  }

  close(): void {
    this.#client.dispose();
  }

  async read(
    lane: Lane,
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, LedgerRecord>> {
    if (ids.length === 0) return new Map();
    const found = await guarded("reading the ledger", () => this.#fetch(lane, ids, signal));
    return new Map(found.map((resource) => [resource.id, recordOf(resource)]));
  }

  async #fetch(lane: Lane, ids: readonly string[], signal: AbortSignal): Promise<Resource[]> {
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) {
      const { resource } = await this.#container
        .item(only, lane)
        .read<Resource>({ abortSignal: signal });
      return resource === undefined ? [] : [resource];
    }
    // `IN` uses the index; ARRAY_CONTAINS over a parameter would scan the partition.
    const names = ids.map((_, index) => `@i${index}`);
    const { resources } = await this.#container.items
      .query<Resource>(
        {
          query: `SELECT * FROM c WHERE c.id IN (${names.join(",")})`,
          parameters: ids.map((value, index) => ({ name: `@i${index}`, value })),
        },
        { partitionKey: lane, maxItemCount: 1_000, abortSignal: signal },
      )
      .fetchAll();
    return resources;
  }

  async write(
    lane: Lane,
    writes: readonly LedgerWrite[],
    signal: AbortSignal,
  ): Promise<"written" | "conflict"> {
    if (writes.length === 0) return "written";
    invariant(writes.length <= 100, "a transactional batch holds at most 100 operations");
    const operations = writes.map(({ entry, etag }): OperationInput =>
      etag === undefined
        ? {
            operationType: BulkOperationType.Create,
            resourceBody: documentOf(entry),
          }
        : {
            operationType: BulkOperationType.Replace,
            id: entry.id,
            ifMatch: etag,
            resourceBody: documentOf(entry),
          },
    );
    const response = await guarded("writing the ledger", () =>
      this.#container.items.batch(operations, lane, { abortSignal: signal }),
    );
    const codes = (response.result ?? []).map(({ statusCode }) => statusCode);
    const failed = codes.filter((code) => code >= 400);
    if (failed.length === 0 && (response.code ?? 200) < 300) return "written";
    if (failed.length > 0 && failed.every((code) => CONFLICTS.has(code))) return "conflict";
    const worst = failed.find((code) => !CONFLICTS.has(code)) ?? response.code ?? 500;
    throw outage("writing the ledger", { code: worst, message: `status ${worst}` });
  }
}

function documentOf({ applied, triedTo, ...rest }: LedgerEntry): JSONObject {
  return {
    ...rest,
    ...(applied === undefined ? {} : { applied: { ...applied, targetKey: plain(applied) } }),
    ...(triedTo === undefined ? {} : { triedTo }),
  };
}

function plain({
  targetKey,
}: NonNullable<LedgerEntry["applied"]>): Record<string, string | number | boolean | null> {
  const key: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(targetKey)) {
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) {
      key[name] = value as string | number | boolean | null;
    }
  }
  return key;
}

function recordOf(resource: Resource): LedgerRecord {
  const parsed = LedgerEntry.safeParse(resource);
  if (!parsed.success) {
    throw new OutageError(
      "ledger",
      "refused",
      `the ledger entry '${resource.id}' is not readable: ${parsed.error.message}`.slice(
        0,
        limits.failureChars,
      ),
    );
  }
  return { entry: parsed.data, etag: resource._etag };
}
