/** Users and groups: list, read, create, change, delete. */
import { randomUUID } from "node:crypto";
import { isVisible, type DirectoryObject } from "../../engine/directory-object";
import { notFound } from "../errors/graph-error";
import {
  noContent,
  parameter,
  type Call,
  type GraphReply,
  type GraphService,
  type Route,
} from "./graph-service";
import { countObjects, listObjects } from "./object-list";
import { resourceTypes, type CollectionName } from "../../engine/property-catalog";
import { allowOnly } from "../odata/query-options";
import {
  parseView,
  represent,
  representTyped,
  type Json,
  type View,
} from "../odata/representation";
import {
  newMembers,
  parseResource,
  requireForCreation,
  requireFreePrincipalName,
  storable,
} from "./resource-body";

export const rolesFor: Readonly<
  Record<CollectionName, { readonly read: readonly string[]; readonly write: readonly string[] }>
> = {
  users: { read: ["User.Read.All", "User.ReadWrite.All"], write: ["User.ReadWrite.All"] },
  groups: {
    read: ["Group.Read.All", "GroupMember.Read.All", "Group.ReadWrite.All"],
    write: ["Group.ReadWrite.All"],
  },
};

export function contextOf(call: Call, collection: string, view: View, entity: boolean): string {
  const select = view.select === undefined ? "" : `(${view.select.join(",")})`;
  return `${call.baseUrl}/$metadata#${collection}${select}${entity ? "/$entity" : ""}`;
}

/**
 * A visible object of the collection, by id, or by principal name if it is a user.
 *
 * @throws GraphError 404
 */
export function locate(
  service: GraphService,
  collection: CollectionName,
  idOrName: string,
): DirectoryObject {
  const byId = service.directory.find(idOrName);
  const object =
    byId ?? (collection === "users" ? service.directory.findByPrincipalName(idOrName) : undefined);
  if (!isVisible(object) || object.collection !== collection) throw notFound(idOrName);
  return object;
}

function* ranked(
  objects: readonly DirectoryObject[],
): Generator<readonly [DirectoryObject, number]> {
  for (const object of objects) yield [object, object.ordinal];
}

function createProperties(
  collection: CollectionName,
  given: Record<string, unknown>,
  now: string,
): Record<string, unknown> {
  switch (collection) {
    case "users":
      return { businessPhones: [], userType: "Member", ...given, createdDateTime: now };
    case "groups":
      return { groupTypes: [], ...given, createdDateTime: now, renewedDateTime: now };
  }
}

function create(service: GraphService, call: Call, collection: CollectionName): GraphReply {
  allowOnly(call.options, "$select");
  const { properties, memberIds } = parseResource(collection, call.body);
  requireForCreation(collection, properties);
  requireFreePrincipalName(service.directory, properties);
  const members = newMembers(service.directory, undefined, memberIds);
  const now = new Date(service.nowMs()).toISOString().replace(/\.\d+Z$/, "Z");
  const stored = createProperties(collection, storable(collection, properties), now);
  const object = service.directory.create(collection, randomUUID(), stored);
  for (const member of members) service.directory.addMember(object, member);
  const view = parseView(service.directory, collection, call.options);
  const body = {
    "@odata.context": contextOf(call, collection, view, true),
    ...represent(object, view),
  };
  return { status: 201, body, headers: { location: `${call.baseUrl}/${collection}/${object.id}` } };
}

function update(service: GraphService, call: Call, collection: CollectionName): GraphReply {
  const object = locate(service, collection, parameter(call, "id"));
  const { properties, memberIds } = parseResource(collection, call.body);
  requireFreePrincipalName(service.directory, properties, object);
  const members = newMembers(service.directory, object, memberIds);
  service.directory.setProperties(object, storable(collection, properties));
  for (const member of members) service.directory.addMember(object, member);
  return noContent;
}

function read(service: GraphService, call: Call, collection: CollectionName): GraphReply {
  allowOnly(call.options, "$select", "$expand");
  const object = locate(service, collection, parameter(call, "id"));
  const view = parseView(service.directory, collection, call.options);
  const body: Json = {
    "@odata.context": contextOf(call, collection, view, true),
    ...represent(object, view),
  };
  return { status: 200, body };
}

function collectionRoutes(collection: CollectionName): Route[] {
  const roles = rolesFor[collection];
  const reading = { access: "read", roles: roles.read } as const;
  const writing = { access: "write", roles: roles.write } as const;
  const source = (service: GraphService, call: Call) => ({
    entries: ranked(service.directory.ordered(collection)),
    collection,
    mixed: false,
    context: contextOf(
      call,
      collection,
      parseView(service.directory, collection, call.options),
      false,
    ),
  });
  return [
    {
      method: "GET",
      path: collection,
      operation: `${collection}.list`,
      ...reading,
      handle: (service, call) => listObjects(service, call, source(service, call)),
    },
    {
      method: "GET",
      path: `${collection}/$count`,
      operation: `${collection}.count`,
      ...reading,
      handle: (service, call) => countObjects(service, call, source(service, call)),
    },
    {
      method: "POST",
      path: collection,
      operation: `${collection}.create`,
      ...writing,
      handle: (service, call) => create(service, call, collection),
    },
    {
      method: "GET",
      path: `${collection}/:id`,
      operation: `${collection}.get`,
      ...reading,
      handle: (service, call) => read(service, call, collection),
    },
    {
      method: "PATCH",
      path: `${collection}/:id`,
      operation: `${collection}.update`,
      ...writing,
      handle: (service, call) => update(service, call, collection),
    },
    {
      method: "DELETE",
      path: `${collection}/:id`,
      operation: `${collection}.delete`,
      ...writing,
      handle: (service, call) => {
        service.directory.delete(locate(service, collection, parameter(call, "id")));
        return noContent;
      },
    },
  ];
}

const directoryObject: Route = {
  method: "GET",
  path: "directoryObjects/:id",
  operation: "directoryObjects.get",
  access: "read",
  roles: [],
  handle: (service, call) => {
    allowOnly(call.options, "$select");
    const id = parameter(call, "id");
    const object = service.directory.find(id);
    if (!isVisible(object)) throw notFound(id);
    const view = parseView(service.directory, object.collection ?? "users", call.options);
    const body = {
      "@odata.context": contextOf(call, "directoryObjects", view, true),
      ...representTyped(object, view),
    };
    return { status: 200, body };
  },
};

export const objectRoutes: readonly Route[] = [
  ...Object.values(resourceTypes).flatMap(({ collection }) => collectionRoutes(collection)),
  directoryObject,
];
