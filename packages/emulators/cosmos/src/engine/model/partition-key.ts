/**
 * A partition key is kept as the JSON text of its components, with `{}` for undefined as on the wire. It is the map key
 * and the database column; because JSON texts delimit themselves, a prefix can be compared as text.
 */
import type { CosmosError } from "./cosmos-error";
import { badRequest, PARTITION_KEY_MISMATCH } from "./cosmos-error";
import { exceedsBytes, isObject, ownValue, parseJson, type Json, type Value } from "./json";

const MAX_KEY_BYTES = 2048;

/**
 * Splits `/a/"b c"/d` into property names.
 *
 * @throws CosmosError `BadRequest` if it is not a path
 */
export function parsePath(path: string): string[] {
  const parts: string[] = [];
  const pattern = /\/(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^/]+))/gy;
  let end = 0;
  for (const match of path.matchAll(pattern)) {
    parts.push(match[1] ?? match[2] ?? match[3] ?? "");
    end = match.index + match[0].length;
  }
  if (end !== path.length || parts.length === 0) {
    throw badRequest(`The path '${path}' is not valid: write it like /name or /name/inner.`);
  }
  return parts;
}

export function valueAtPath(document: Json, path: readonly string[]): Value {
  let value: Value = document;
  for (const part of path) {
    if (!isObject(value)) return undefined;
    value = ownValue(value, part);
  }
  return value;
}

function componentText(value: Value): string {
  if (value === undefined || (isObject(value) && Object.keys(value).length === 0)) return "{}";
  if (typeof value === "object" && value !== null) {
    throw badRequest(
      "A partition key value must be a string, a number, a boolean or null.",
      PARTITION_KEY_MISMATCH,
    );
  }
  return JSON.stringify(value);
}

function keyText(components: readonly Value[]): string {
  const text = `[${components.map(componentText).join(",")}]`;
  if (exceedsBytes(text, MAX_KEY_BYTES)) {
    throw badRequest(`The partition key is longer than ${MAX_KEY_BYTES} bytes.`);
  }
  return text;
}

/** The key of a document, by the paths of its container. */
export function keyOfDocument(document: Json, paths: readonly (readonly string[])[]): string {
  return keyText(paths.map((path) => valueAtPath(document, path)));
}

/** The text of a key given as values, as in a query. */
export function keyOfValues(values: readonly Value[]): string {
  return keyText(values);
}

export interface RequestedKey {
  readonly text: string;
  /** How many components are given: fewer than the container has is a prefix, allowed in queries only. */
  readonly length: number;
}

/**
 * Reads the partition key of a request: a JSON array of components.
 *
 * @throws CosmosError `BadRequest`
 */
export function parseRequestedKey(text: string): RequestedKey {
  let components: Json;
  try {
    components = parseJson(text);
  } catch {
    throw badRequest(`The partition key '${text}' is not a JSON array.`);
  }
  if (!Array.isArray(components)) throw badRequest("The partition key is not a JSON array.");
  return { text: keyText(components), length: components.length };
}

/**
 * The requested key of an operation on one document.
 *
 * @throws CosmosError `BadRequest` unless it has every component
 */
export function requireFullKey(key: RequestedKey | undefined, components: number): string {
  if (key === undefined) {
    throw badRequest("PartitionKey value must be supplied for this operation.");
  }
  if (key.length !== components) {
    throw badRequest(
      `Partition key provided has ${key.length} components, the container has ${components}.`,
      PARTITION_KEY_MISMATCH,
    );
  }
  return key.text;
}

/** Whether a partition lies under a (possibly partial) key. */
export function isUnderKey(partition: string, key: RequestedKey, components: number): boolean {
  if (key.length === components) return partition === key.text;
  return key.length === 0 || partition.startsWith(`${key.text.slice(0, -1)},`);
}

export function keyMismatch(): CosmosError {
  return badRequest(
    "PartitionKey extracted from document doesn't match the one specified in the header.",
    PARTITION_KEY_MISMATCH,
  );
}
