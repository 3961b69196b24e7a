/** How objects look in replies: `$select`, `$expand`, defaults. */
import type { Directory } from "../../engine/directory";
import { isVisible, type DirectoryObject } from "../../engine/directory-object";
import { malformed } from "../errors/graph-error";
import { splitList } from "./query-options";
import {
  isDirectoryExtension,
  resourceTypes,
  type CollectionName,
} from "../../engine/property-catalog";

export type Json = Record<string, unknown>;

export interface View {
  /** Undefined: the defaults of the type. */
  readonly select: readonly string[] | undefined;
  readonly expand: readonly Expansion[];
}

interface Expansion {
  readonly relation: Relation;
  readonly select: readonly string[] | undefined;
}

const relations = ["manager", "directReports", "memberOf", "members"] as const;
type Relation = (typeof relations)[number];
const relationsOf: Readonly<Record<CollectionName, readonly Relation[]>> = {
  users: ["manager", "directReports", "memberOf"],
  groups: ["memberOf", "members"],
};
/** An expanded collection shows at most this many. */
const MAX_EXPANDED = 20;

export function parseSelect(
  directory: Directory,
  collection: CollectionName,
  text: string,
): string[] {
  const names = splitList(text);
  for (const name of names) {
    if (name !== "id" && !directory.knows(collection, name) && !isDirectoryExtension(name))
      throw unknownProperty(collection, name);
  }
  return names;
}

function unknownProperty(collection: CollectionName, name: string): Error {
  const type = resourceTypes[collection].odataType.slice(1);
  return malformed(
    `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type '${type}'.`,
  );
}

function isRelation(name: string): name is Relation {
  return (relations as readonly string[]).includes(name);
}

function parseExpansion(directory: Directory, collection: CollectionName, text: string): Expansion {
  const [, name = text, inner] = /^(\w+)\((.*)\)$/.exec(text) ?? [];
  if (!isRelation(name) || !relationsOf[collection].includes(name))
    throw unknownProperty(collection, name);
  if (inner === undefined) return { relation: name, select: undefined };
  const select = /^\$select=(.*)$/.exec(inner)?.[1];
  if (select === undefined)
    throw malformed(
      `Parsing OData Select and Expand failed: '${inner}' is not supported in $expand.`,
    );
  // A relation mostly leads to users or groups; a name is valid if either type has it.
  const names = splitList(select);
  for (const selected of names) {
    if (!directory.knows("users", selected) && !directory.knows("groups", selected))
      throw unknownProperty("users", selected);
  }
  return { relation: name, select: names };
}

export function parseView(
  directory: Directory,
  collection: CollectionName,
  options: ReadonlyMap<string, string>,
): View {
  const select = options.get("$select");
  const expand = splitList(options.get("$expand") ?? "");
  return {
    select: select === undefined ? undefined : parseSelect(directory, collection, select),
    expand: expand.map((part) => parseExpansion(directory, collection, part)),
  };
}

export function propertyOf(object: DirectoryObject, name: string): unknown {
  if (name === "id") return object.id;
  if (name === "deletedDateTime" && object.deletedAt !== undefined) return object.deletedAt;
  return object.properties[name];
}

function shown(object: DirectoryObject, name: string): unknown {
  const value = propertyOf(object, name);
  if (value !== undefined || object.collection === undefined) return value;
  const property = resourceTypes[object.collection].properties.get(name);
  if (property === undefined) return undefined;
  return property.kind === "strings" || property.kind === "objects" ? [] : null;
}

function namesShown(object: DirectoryObject): Iterable<string> {
  if (object.collection === undefined) return ["id"];
  const { defaults, properties } = resourceTypes[object.collection];
  const others = Object.keys(object.properties).filter((name) => !properties.has(name));
  const deleted = object.deletedAt === undefined ? [] : ["deletedDateTime"];
  return new Set([...defaults, ...others, ...deleted]);
}

function related(object: DirectoryObject, relation: Relation): readonly DirectoryObject[] {
  switch (relation) {
    case "manager":
      return isVisible(object.manager) ? [object.manager] : [];
    case "directReports":
      return [...object.reports].filter(isVisible);
    case "memberOf":
      return [...object.memberOf].filter(isVisible);
    case "members":
      return [...object.members.keys()].filter(isVisible);
  }
}

/** One object, as an item of its own collection. */
export function represent(object: DirectoryObject, view: View): Json {
  const json: Json = {};
  for (const name of view.select ?? namesShown(object)) {
    const value = shown(object, name);
    if (value !== undefined) json[name] = value;
  }
  json["id"] = object.id;
  for (const { relation, select } of view.expand) {
    const items = related(object, relation).map((item) =>
      representTyped(item, { select, expand: [] }),
    );
    if (relation !== "manager") json[relation] = items.slice(0, MAX_EXPANDED);
    else if (items[0] !== undefined) json[relation] = items[0];
  }
  return json;
}

/** One object among objects of several types. */
export function representTyped(object: DirectoryObject, view: View): Json {
  return { "@odata.type": object.odataType, ...represent(object, view) };
}
