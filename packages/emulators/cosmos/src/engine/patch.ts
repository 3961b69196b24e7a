import { z } from "zod";
import { evaluateCondition } from "./sql/compile/condition";
import { SYSTEM_PROPERTIES } from "./model/document";
import { badRequest, CosmosError } from "./model/cosmos-error";
import { isObject, ownValue, setOwn, type Json, type JsonObject } from "./model/json";

const MAX_OPERATIONS = 10;

const path = z.string().startsWith("/").max(1024);
const PatchOperation = z.discriminatedUnion("op", [
  z.object({ op: z.literal("add"), path, value: z.json() }),
  z.object({ op: z.literal("set"), path, value: z.json() }),
  z.object({ op: z.literal("replace"), path, value: z.json() }),
  z.object({ op: z.literal("incr"), path, value: z.number() }),
  z.object({ op: z.literal("remove"), path }),
  z.object({ op: z.literal("move"), path, from: path }),
]);
type PatchOperation = z.infer<typeof PatchOperation>;

export interface Patch {
  readonly operations: readonly PatchOperation[];
  readonly condition: string | undefined;
}

const PatchBody = z.object({
  operations: z.array(PatchOperation),
  condition: z.string().optional(),
});

/** Reads the body of a patch: a list of operations, or an object with the list and a condition. */
export function parsePatch(body: Json | undefined): Patch {
  const parsed = PatchBody.safeParse(Array.isArray(body) ? { operations: body } : body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badRequest(
      `Patch: '${issue?.path.join(".") ?? ""}' ${issue?.message ?? "is not valid"}.`,
    );
  }
  const { operations, condition } = parsed.data;
  if (operations.length === 0) throw badRequest("Patch: no operations.");
  if (operations.length > MAX_OPERATIONS) {
    throw badRequest(
      `Patch: ${operations.length} operations; the limit is ${MAX_OPERATIONS} in one request.`,
    );
  }
  return { operations, condition };
}

export interface PatchTarget {
  readonly partitionKeyPaths: readonly (readonly string[])[];
  /** The document with its system properties, for the condition. */
  readonly rendered: () => Json;
}

/**
 * Returns the patched document. `document` is changed in place.
 *
 * @throws CosmosError `PreconditionFailed` if the condition is not met, `BadRequest` if an operation does not apply
 */
export function patchDocument(document: Json, patch: Patch, target: PatchTarget): Json {
  if (patch.condition !== undefined && !evaluateCondition(patch.condition, target.rendered())) {
    throw new CosmosError("PreconditionFailed", "The condition of the patch is not met.");
  }
  for (const operation of patch.operations) {
    const parts = pointer(operation.path);
    refuseProtected(parts, operation.path, target);
    if (operation.op === "move") refuseProtected(pointer(operation.from), operation.from, target);
    apply(document, operation, parts);
  }
  return document;
}

function pointer(text: string): string[] {
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function refuseProtected(parts: readonly string[], text: string, target: PatchTarget): void {
  const first = parts[0] ?? "";
  const isSystem = SYSTEM_PROPERTIES.has(first) || (first === "id" && parts.length === 1);
  const isKey = target.partitionKeyPaths.some((key) =>
    parts.every((part, index) => key[index] === part),
  );
  if (isSystem || isKey) throw badRequest(`Patch: the property '${text}' cannot be patched.`);
}

function apply(document: Json, operation: PatchOperation, parts: readonly string[]): void {
  const place = locate(document, parts, operation.path);
  switch (operation.op) {
    case "add":
      return place.add(operation.value);
    case "set":
      return place.set(operation.value);
    case "replace":
      place.require();
      return place.set(operation.value);
    case "remove":
      place.require();
      return place.remove();
    case "incr": {
      const current = place.get();
      if (current !== undefined && typeof current !== "number") {
        throw badRequest(`Patch: '${operation.path}' is not a number.`);
      }
      return place.set((current ?? 0) + operation.value);
    }
    case "move": {
      const from = locate(document, pointer(operation.from), operation.from);
      if (
        `${operation.path}/`.startsWith(`${operation.from}/`) &&
        operation.path !== operation.from
      ) {
        throw badRequest(`Patch: '${operation.from}' cannot be moved into itself.`);
      }
      const value = from.require();
      from.remove();
      return locate(document, parts, operation.path).add(value);
    }
  }
}

interface Place {
  get(): Json | undefined;
  require(): Json;
  /** Into an array: inserts. */
  add(value: Json): void;
  /** Into an array: replaces. */
  set(value: Json): void;
  remove(): void;
}

function locate(document: Json, parts: readonly string[], text: string): Place {
  let parent: Json | undefined = document;
  for (const part of parts.slice(0, -1)) {
    if (Array.isArray(parent)) parent = /^\d+$/.test(part) ? parent[Number(part)] : undefined;
    else parent = parent !== undefined && isObject(parent) ? ownValue(parent, part) : undefined;
  }
  const last = parts.at(-1) ?? "";
  if (Array.isArray(parent)) return arrayPlace(parent, last, text);
  if (parent !== undefined && isObject(parent)) return objectPlace(parent, last, text);
  throw badRequest(`Patch: the parent of '${text}' does not exist.`);
}

function requireValue(value: Json | undefined, text: string): Json {
  if (value === undefined) throw badRequest(`Patch: '${text}' does not exist.`);
  return value;
}

function objectPlace(object: JsonObject, name: string, text: string): Place {
  const set = (value: Json): void => setOwn(object, name, value);
  return {
    get: () => ownValue(object, name),
    require: () => requireValue(ownValue(object, name), text),
    add: set,
    set,
    remove: () => void delete object[name],
  };
}

function arrayPlace(array: Json[], part: string, text: string): Place {
  if (part !== "-" && !/^(0|[1-9]\d*)$/.test(part)) {
    throw badRequest(`Patch: '${part}' in '${text}' is not an index of an array.`);
  }
  const index = part === "-" ? array.length : Number(part);
  if (index > array.length) throw badRequest(`Patch: '${text}' is beyond the end of the array.`);
  return {
    get: () => array[index],
    require: () => requireValue(array[index], text),
    add: (value) => void array.splice(index, 0, value),
    set: (value) => void array.splice(index, 1, value),
    remove: () => void array.splice(index, 1),
  };
}
