import { badRequest, CosmosError } from "./cosmos-error";
import { exceedsBytes, isObject, type Json, type JsonObject } from "./json";
import { keyOfDocument, valueAtPath } from "./partition-key";

const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024;
const MAX_ID_BYTES = 1023;

/** Properties that the service sets; values that a client sends for them are dropped. */
export const SYSTEM_PROPERTIES: ReadonlySet<string> = new Set([
  "_rid",
  "_self",
  "_etag",
  "_ts",
  "_attachments",
  "_lsn",
]);

/** One version of a document. Immutable: a write replaces it by a new one with the same `sequence`. */
export interface StoredDocument {
  /** Position in the container, assigned at creation; becomes `_rid`. */
  readonly sequence: number;
  readonly id: string;
  /** Canonical JSON text without the system properties. */
  readonly json: string;
  /** Number of the write in its container; becomes `_etag` and the session token. */
  readonly lsn: number;
  readonly writtenMs: number;
  /** The document's own `ttl`. */
  readonly ttlSeconds: number | undefined;
}

/** A document as a client sent it, checked and parsed. */
export interface DocumentDraft {
  readonly id: string;
  readonly partitionKey: string;
  readonly json: string;
  readonly ttlSeconds: number | undefined;
  /** One text for each unique key of the container. */
  readonly uniqueKeys: readonly string[];
}

export interface DocumentRules {
  readonly partitionKeyPaths: readonly (readonly string[])[];
  readonly uniqueKeyPaths: readonly (readonly (readonly string[])[])[];
}

/** @throws CosmosError `BadRequest` if the id is missing, too long or has characters that the service forbids */
export function checkId(id: unknown): string {
  if (id === undefined || id === "") {
    throw badRequest(
      "The input content is invalid because the required properties - 'id; ' - are missing.",
    );
  }
  if (typeof id !== "string") throw badRequest("The property 'id' must be a string.");
  if (/[/\\]/.test(id)) throw badRequest("The property 'id' contains a '/' or a '\\'.");
  if (exceedsBytes(id, MAX_ID_BYTES)) {
    throw badRequest(`The property 'id' is longer than ${MAX_ID_BYTES} bytes.`);
  }
  return id;
}

function checkTtl(ttl: Json | undefined): number | undefined {
  if (ttl === undefined || ttl === null) return undefined;
  if (typeof ttl === "number" && Number.isInteger(ttl) && (ttl === -1 || ttl > 0)) return ttl;
  throw badRequest("The property 'ttl' must be -1 or a positive whole number of seconds.");
}

export function uniqueKeysOf(document: JsonObject, rules: DocumentRules): string[] {
  return rules.uniqueKeyPaths.map((paths) =>
    JSON.stringify(paths.map((path) => valueAtPath(document, path) ?? null)),
  );
}

/**
 * Checks a document sent by a client. Removes the system properties from `body`.
 *
 * @throws CosmosError `BadRequest` or `RequestEntityTooLarge`
 */
export function draftDocument(body: Json | undefined, rules: DocumentRules): DocumentDraft {
  if (body === undefined || !isObject(body)) {
    throw badRequest("The document must be a JSON object.");
  }
  for (const name of SYSTEM_PROPERTIES) {
    if (Object.hasOwn(body, name)) delete body[name];
  }
  const id = checkId(body["id"]);
  const partitionKey = keyOfDocument(body, rules.partitionKeyPaths);
  const json = JSON.stringify(body);
  if (exceedsBytes(json, MAX_DOCUMENT_BYTES)) {
    throw new CosmosError("RequestEntityTooLarge", "Request size is too large: over 2 MB.");
  }
  return {
    id,
    partitionKey,
    json,
    ttlSeconds: checkTtl(body["ttl"]),
    uniqueKeys: rules.uniqueKeyPaths.length === 0 ? [] : uniqueKeysOf(body, rules),
  };
}
