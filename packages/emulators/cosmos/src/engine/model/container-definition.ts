import { z } from "zod";
import { badRequest } from "./cosmos-error";
import { checkId, type DocumentRules } from "./document";
import type { Json, JsonObject } from "./json";
import { parsePath } from "./partition-key";

const MAX_HIERARCHY = 3;

const Paths = z.array(z.string().min(2).max(1023).startsWith("/")).min(1);

/** What a client defines of a container; further settings are accepted and ignored. */
const ContainerBody = z.object({
  id: z.string(),
  partitionKey: z
    .object({
      paths: Paths.max(MAX_HIERARCHY),
      kind: z.enum(["Hash", "MultiHash"]).optional(),
      version: z.int().optional(),
    })
    .default({ paths: ["/_partitionKey"] }),
  defaultTtl: z
    .int()
    .refine((ttl) => ttl === -1 || ttl > 0, "must be -1 or a positive number of seconds")
    .nullish(),
  uniqueKeyPolicy: z
    .object({
      uniqueKeys: z
        .array(z.object({ paths: Paths.max(16) }))
        .max(10)
        .default([]),
    })
    .nullish(),
  indexingPolicy: z.record(z.string(), z.json()).nullish(),
});

export interface ContainerDefinition extends DocumentRules {
  readonly id: string;
  readonly partitionKeyPathTexts: readonly string[];
  /** Absent: documents never expire, whatever their own `ttl` says. -1: only those with a `ttl` do. */
  readonly defaultTtlSeconds: number | undefined;
  /** As shown to clients, without the system properties. */
  readonly resource: JsonObject;
}

const DEFAULT_INDEXING: JsonObject = {
  indexingMode: "consistent",
  automatic: true,
  includedPaths: [{ path: "/*" }],
  excludedPaths: [{ path: '/"_etag"/?' }],
};

/**
 * Checks the definition of a container as sent by a client or kept by the journal.
 *
 * @throws CosmosError `BadRequest`
 */
export function parseContainerDefinition(body: Json | undefined): ContainerDefinition {
  const parsed = ContainerBody.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badRequest(
      `Container: '${issue?.path.join(".") ?? ""}' ${issue?.message ?? "is not valid"}.`,
    );
  }
  const { id, partitionKey, defaultTtl, uniqueKeyPolicy, indexingPolicy } = parsed.data;
  checkId(id);
  const uniqueKeys = uniqueKeyPolicy?.uniqueKeys ?? [];
  const resource: JsonObject = {
    id,
    indexingPolicy: { ...DEFAULT_INDEXING, ...indexingPolicy },
    partitionKey: {
      paths: partitionKey.paths,
      kind: partitionKey.paths.length > 1 ? "MultiHash" : "Hash",
      version: 2,
    },
    ...(typeof defaultTtl === "number" ? { defaultTtl } : {}),
    uniqueKeyPolicy: { uniqueKeys },
    conflictResolutionPolicy: {
      mode: "LastWriterWins",
      conflictResolutionPath: "/_ts",
      conflictResolutionProcedure: "",
    },
    geospatialConfig: { type: "Geography" },
  };
  return {
    id,
    partitionKeyPathTexts: partitionKey.paths,
    partitionKeyPaths: partitionKey.paths.map(parsePath),
    uniqueKeyPaths: uniqueKeys.map(({ paths }) => paths.map(parsePath)),
    defaultTtlSeconds: defaultTtl ?? undefined,
    resource,
  };
}

/** @throws CosmosError `BadRequest` if a replacement changes what is fixed at creation */
export function checkReplacement(current: ContainerDefinition, next: ContainerDefinition): void {
  if (next.id !== current.id) throw badRequest("The id of a container cannot be changed.");
  if (next.partitionKeyPathTexts.join() !== current.partitionKeyPathTexts.join()) {
    throw badRequest("The partition key of a container cannot be changed.");
  }
  if (JSON.stringify(next.uniqueKeyPaths) !== JSON.stringify(current.uniqueKeyPaths)) {
    throw badRequest("The unique keys of a container cannot be changed.");
  }
}
