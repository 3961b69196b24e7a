/** The deleted items: read, restore, delete permanently. */
import type { DirectoryObject } from "../../engine/directory-object";
import { notFound } from "../errors/graph-error";
import {
  noContent,
  parameter,
  type Call,
  type GraphReply,
  type GraphService,
  type Route,
} from "./graph-service";
import { contextOf, rolesFor } from "./object-routes";
import { allowOnly, parseTop } from "../odata/query-options";
import { parseView, represent, representTyped, type Json } from "../odata/representation";
import { requireFreePrincipalName } from "./resource-body";
import type { CollectionName } from "../../engine/property-catalog";

function locateDeleted(service: GraphService, id: string): DirectoryObject {
  const object = service.directory.find(id);
  if (object?.state !== "deleted") throw notFound(id);
  return object;
}

function list(collection: CollectionName) {
  return (service: GraphService, call: Call): GraphReply => {
    allowOnly(call.options, "$select", "$top", "$skiptoken");
    const top = parseTop(call.options);
    const view = parseView(service.directory, collection, call.options);
    const token = call.options.get("$skiptoken");
    const state = token === undefined ? undefined : service.tokens.openList(call.path, token);
    const all = service.directory
      .ordered(collection)
      .filter((object) => object.state === "deleted" && object.ordinal > (state?.after ?? 0));
    const page = all.slice(0, top);
    const body: Json = { "@odata.context": contextOf(call, collection, view, false) };
    const last = page.at(-1);
    if (all.length > top && last !== undefined) {
      const next = service.tokens.seal({
        use: "list",
        state: { after: last.ordinal, path: call.path },
      });
      const select = view.select === undefined ? "" : `$select=${view.select.join(",")}&`;
      body["@odata.nextLink"] =
        `${call.baseUrl}/${call.path}?${select}$top=${top}&$skiptoken=${next}`;
    }
    body["value"] = page.map((object) => represent(object, view));
    return { status: 200, body };
  };
}

function read(service: GraphService, call: Call): GraphReply {
  allowOnly(call.options, "$select");
  const object = locateDeleted(service, parameter(call, "id"));
  const view = parseView(service.directory, object.collection ?? "users", call.options);
  const body = {
    "@odata.context": contextOf(call, "directoryObjects", view, true),
    ...representTyped(object, view),
  };
  return { status: 200, body };
}

function restore(service: GraphService, call: Call): GraphReply {
  const object = locateDeleted(service, parameter(call, "id"));
  requireFreePrincipalName(service.directory, object.properties, object);
  service.directory.restore(object);
  const view = { select: undefined, expand: [] };
  const body = {
    "@odata.context": contextOf(call, "directoryObjects", view, true),
    ...representTyped(object, view),
  };
  return { status: 200, body };
}

const reading = { access: "read", roles: [] } as const;
const writing = {
  access: "write",
  roles: [...rolesFor.users.write, ...rolesFor.groups.write],
} as const;

export const deletedItemRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "directory/deletedItems/microsoft.graph.user",
    operation: "deletedItems.list",
    ...reading,
    handle: list("users"),
  },
  {
    method: "GET",
    path: "directory/deletedItems/microsoft.graph.group",
    operation: "deletedItems.list",
    ...reading,
    handle: list("groups"),
  },
  {
    method: "GET",
    path: "directory/deletedItems/:id",
    operation: "deletedItems.get",
    ...reading,
    handle: read,
  },
  {
    method: "POST",
    path: "directory/deletedItems/:id/restore",
    operation: "deletedItems.restore",
    ...writing,
    handle: restore,
  },
  {
    method: "DELETE",
    path: "directory/deletedItems/:id",
    operation: "deletedItems.delete",
    ...writing,
    handle: (service, call) => {
      service.directory.purge(locateDeleted(service, parameter(call, "id")));
      return noContent;
    },
  },
];
