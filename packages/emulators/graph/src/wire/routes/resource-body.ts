/** The bodies of requests, checked property by property as Graph does. */
import { z } from "zod";
import type { Directory } from "../../engine/directory";
import { isVisible, type DirectoryObject } from "../../engine/directory-object";
import { badRequest, conflict, malformed, notFound } from "../errors/graph-error";
import {
  hasKind,
  isDirectoryExtension,
  resourceTypes,
  type CollectionName,
  type ResourceType,
} from "../../engine/property-catalog";

const Body = z.record(z.string(), z.unknown());
const References = z.array(z.string()).max(1000);
const MAX_BOUND_MEMBERS = 20;

export interface ResourceBody {
  readonly properties: Record<string, unknown>;
  /** Ids in `members@odata.bind`, in order. */
  readonly memberIds: readonly string[];
}

function invalidValue(type: ResourceType, name: string): Error {
  return badRequest(`Invalid value specified for property '${name}' of resource '${type.title}'.`);
}

function checkProperty(type: ResourceType, name: string, value: unknown): void {
  const property = type.properties.get(name);
  if (property === undefined) {
    if (isDirectoryExtension(name)) return;
    throw badRequest(
      `Property '${name}' does not exist as a declared property or extension property of resource '${type.title}'.`,
    );
  }
  if (property.readOnly === true)
    throw badRequest(`Property '${name}' is read-only and cannot be set.`);
  if (value === null) {
    if (property.notNull === true || property.secret === true) throw invalidValue(type, name);
    return;
  }
  if (!hasKind(property.kind, value)) throw invalidValue(type, name);
  if (
    typeof value === "string" &&
    property.maxLength !== undefined &&
    value.length > property.maxLength
  )
    throw invalidValue(type, name);
  if (property.notNull === true && value === "") throw invalidValue(type, name);
}

function checkShapes(type: ResourceType, properties: Readonly<Record<string, unknown>>): void {
  const { userPrincipalName, mailNickname, passwordProfile } = properties;
  if (
    typeof userPrincipalName === "string" &&
    !/^[^\s@/\\]{1,64}@[^\s@/\\]+\.[^\s@/\\]+$/.test(userPrincipalName)
  ) {
    throw badRequest("Property userPrincipalName is invalid.");
  }
  if (typeof mailNickname === "string" && /[@()\\[\]";:<>,\s]/.test(mailNickname))
    throw invalidValue(type, "mailNickname");
  if (
    passwordProfile !== undefined &&
    !z.object({ password: z.string().min(1) }).safeParse(passwordProfile).success
  ) {
    throw badRequest(
      "The specified password does not comply with password complexity requirements. Please provide a different password.",
    );
  }
}

/** The id in `https://graph.microsoft.com/v1.0/directoryObjects/{id}` and its variants. */
function referencedId(value: string, property: string): string {
  const id =
    /\/(?:directoryObjects|users|groups|devices|servicePrincipals|contacts)(?:\/([\w.-]{1,128})|\('([\w.-]{1,128})'\))$/i.exec(
      value,
    );
  const found = id?.[1] ?? id?.[2];
  if (found === undefined)
    throw badRequest(
      `Invalid URL format specified in payload for property '${property}': '${value}'.`,
    );
  return found;
}

/** @throws GraphError 400 if the body is empty or a property is not valid */
export function parseResource(collection: CollectionName, body: unknown): ResourceBody {
  const type = resourceTypes[collection];
  const parsed = Body.safeParse(body);
  if (!parsed.success) throw malformed("Empty Payload. JSON content expected.");
  const properties: Record<string, unknown> = {};
  let memberIds: readonly string[] = [];
  for (const [name, value] of Object.entries(parsed.data)) {
    if (name === "@odata.type" || name === "@odata.context") continue;
    if (name === "members@odata.bind" && collection === "groups") {
      const references = References.safeParse(value);
      if (!references.success) throw invalidValue(type, "members");
      if (references.data.length > MAX_BOUND_MEMBERS) {
        throw badRequest(
          `The number of references in 'members@odata.bind' exceeds the limit of ${MAX_BOUND_MEMBERS}.`,
        );
      }
      memberIds = references.data.map((reference) => referencedId(reference, "members"));
      continue;
    }
    checkProperty(type, name, value);
    properties[name] = value;
  }
  checkShapes(type, properties);
  return { properties, memberIds };
}

/** @throws GraphError 400 if a required property is missing */
export function requireForCreation(
  collection: CollectionName,
  properties: Readonly<Record<string, unknown>>,
): void {
  const type = resourceTypes[collection];
  for (const [name, property] of type.properties) {
    if (
      property.required === true &&
      (properties[name] === undefined || properties[name] === null)
    ) {
      throw badRequest(`A value is required for property '${name}' of resource '${type.title}'.`);
    }
  }
}

/** The properties to store: all except secrets. */
export function storable(
  collection: CollectionName,
  properties: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { properties: catalog } = resourceTypes[collection];
  return Object.fromEntries(
    Object.entries(properties).filter(([name]) => catalog.get(name)?.secret !== true),
  );
}

/** @throws GraphError 400 if another user has the principal name */
export function requireFreePrincipalName(
  directory: Directory,
  properties: Readonly<Record<string, unknown>>,
  owner?: DirectoryObject,
): void {
  const { userPrincipalName } = properties;
  if (typeof userPrincipalName !== "string") return;
  const holder = directory.findByPrincipalName(userPrincipalName);
  if (holder !== undefined && holder !== owner) throw conflict("userPrincipalName");
}

/**
 * The members to add.
 *
 * @throws GraphError 404 if one does not exist, 400 if one is a member or is named twice
 */
export function newMembers(
  directory: Directory,
  group: DirectoryObject | undefined,
  memberIds: readonly string[],
): DirectoryObject[] {
  const members = memberIds.map((id) => {
    const member = directory.find(id);
    if (!isVisible(member)) throw notFound(id);
    return member;
  });
  const taken = members.some((member) => group?.members.has(member) === true);
  if (taken || new Set(members).size < members.length) {
    throw badRequest(
      "One or more added object references already exist for the following modified properties: 'members'.",
    );
  }
  return members;
}

/**
 * The id in the body of a `$ref` request.
 *
 * @throws GraphError 400
 */
export function parseReference(body: unknown, property: string): string {
  const parsed = z.object({ "@odata.id": z.string().min(1).max(2000) }).safeParse(body);
  if (!parsed.success)
    throw badRequest(
      `The body must hold the property '@odata.id' with the URL of the object for '${property}'.`,
    );
  return referencedId(parsed.data["@odata.id"], property);
}
