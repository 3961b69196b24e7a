/** Managers, direct reports and memberships. */
import { isVisible, type DirectoryObject } from "../../engine/directory-object";
import { GraphError, notFound } from "../errors/graph-error";
import {
  noContent,
  parameter,
  type Call,
  type GraphReply,
  type GraphService,
  type Route,
} from "./graph-service";
import { countObjects, listObjects } from "./object-list";
import { contextOf, locate, rolesFor } from "./object-routes";
import type { CollectionName } from "../../engine/property-catalog";
import { allowOnly } from "../odata/query-options";
import { parseView, representTyped } from "../odata/representation";
import { newMembers, parseReference } from "./resource-body";

type Relation = "members" | "memberOf" | "directReports";

const readUsers = { access: "read", roles: rolesFor.users.read } as const;
const writeUsers = { access: "write", roles: rolesFor.users.write } as const;
const readGroups = { access: "read", roles: rolesFor.groups.read } as const;
const writeGroups = {
  access: "write",
  roles: [...rolesFor.groups.write, "GroupMember.ReadWrite.All"],
} as const;

function* numbered(
  objects: Iterable<DirectoryObject>,
): Generator<readonly [DirectoryObject, number]> {
  let rank = 0;
  for (const object of objects) yield [object, (rank += 1)];
}

function relatedEntries(
  object: DirectoryObject,
  relation: Relation,
): Iterable<readonly [DirectoryObject, number]> {
  switch (relation) {
    case "members":
      return object.members;
    case "memberOf":
      return numbered(object.memberOf);
    case "directReports":
      return numbered(object.reports);
  }
}

function* ofCollection(
  entries: Iterable<readonly [DirectoryObject, number]>,
  collection: CollectionName,
): Generator<readonly [DirectoryObject, number]> {
  for (const entry of entries) if (entry[0].collection === collection) yield entry;
}

function list(owner: CollectionName, relation: Relation, cast?: CollectionName) {
  return (service: GraphService, call: Call): GraphReply => {
    const object = locate(service, owner, parameter(call, "id"));
    const collection = cast ?? (relation === "memberOf" ? "groups" : "users");
    const entries = relatedEntries(object, relation);
    const source = {
      entries: cast === undefined ? entries : ofCollection(entries, cast),
      collection,
      mixed: cast === undefined,
      context: contextOf(
        call,
        cast ?? "directoryObjects",
        parseView(service.directory, collection, call.options),
        false,
      ),
    };
    return call.path.toLowerCase().endsWith("/$count")
      ? countObjects(service, call, source)
      : listObjects(service, call, source);
  };
}

const isUser = (object: DirectoryObject | undefined): object is DirectoryObject =>
  isVisible(object) &&
  (object.collection === "users" || object.odataType === "#microsoft.graph.orgContact");

function getManager(service: GraphService, call: Call): GraphReply {
  allowOnly(call.options, "$select");
  const { manager } = locate(service, "users", parameter(call, "id"));
  if (!isVisible(manager)) throw notFound("manager");
  const view = parseView(service.directory, "users", call.options);
  const body = {
    "@odata.context": contextOf(call, "directoryObjects", view, true),
    ...representTyped(manager, view),
  };
  return { status: 200, body };
}

function putManager(service: GraphService, call: Call): GraphReply {
  const user = locate(service, "users", parameter(call, "id"));
  const id = parseReference(call.body, "manager");
  const manager = service.directory.find(id);
  if (!isUser(manager)) throw notFound(id);
  if (manager === user)
    throw new GraphError(400, "Request_BadRequest", "A user cannot be their own manager.");
  service.directory.setManager(user, manager);
  return noContent;
}

function deleteManager(service: GraphService, call: Call): GraphReply {
  const user = locate(service, "users", parameter(call, "id"));
  if (!isVisible(user.manager)) throw notFound("manager");
  service.directory.setManager(user, undefined);
  return noContent;
}

function addMember(service: GraphService, call: Call): GraphReply {
  const group = locate(service, "groups", parameter(call, "id"));
  for (const member of newMembers(service.directory, group, [
    parseReference(call.body, "members"),
  ])) {
    service.directory.addMember(group, member);
  }
  return noContent;
}

function removeMember(service: GraphService, call: Call): GraphReply {
  const group = locate(service, "groups", parameter(call, "id"));
  const memberId = parameter(call, "memberId");
  const member = service.directory.find(memberId);
  if (!isVisible(member) || !service.directory.removeMember(group, member))
    throw notFound(memberId);
  return noContent;
}

function listRoutes(
  owner: CollectionName,
  relation: Relation,
  reading: typeof readUsers | typeof readGroups,
): Route[] {
  const path = `${owner}/:id/${relation}`;
  const operation = `${owner}.${relation}.list`;
  const casts = relation === "directReports" ? [] : (["users", "groups"] as const);
  return [
    { method: "GET", path, operation, ...reading, handle: list(owner, relation) },
    { method: "GET", path: `${path}/$count`, operation, ...reading, handle: list(owner, relation) },
    ...casts.map((cast): Route => {
      const type = cast === "users" ? "microsoft.graph.user" : "microsoft.graph.group";
      return {
        method: "GET",
        path: `${path}/${type}`,
        operation,
        ...reading,
        handle: list(owner, relation, cast),
      };
    }),
  ];
}

export const relationRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "users/:id/manager",
    operation: "users.manager.get",
    ...readUsers,
    handle: getManager,
  },
  {
    method: "PUT",
    path: "users/:id/manager/$ref",
    operation: "users.manager.set",
    ...writeUsers,
    handle: putManager,
  },
  {
    method: "DELETE",
    path: "users/:id/manager/$ref",
    operation: "users.manager.remove",
    ...writeUsers,
    handle: deleteManager,
  },
  ...listRoutes("users", "memberOf", readUsers),
  ...listRoutes("users", "directReports", readUsers),
  ...listRoutes("groups", "members", readGroups),
  ...listRoutes("groups", "memberOf", readGroups),
  {
    method: "POST",
    path: "groups/:id/members/$ref",
    operation: "groups.members.add",
    ...writeGroups,
    handle: addMember,
  },
  {
    method: "DELETE",
    path: "groups/:id/members/:memberId/$ref",
    operation: "groups.members.remove",
    ...writeGroups,
    handle: removeMember,
  },
];
