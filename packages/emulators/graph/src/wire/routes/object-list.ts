/** Collections in pages: filter, order, count, and the link to the next page. */
import { isVisible, type DirectoryObject } from "../../engine/directory-object";
import { parseFilter, readPath, requireAdvanced, type Filter } from "../odata/filter";
import { malformed } from "../errors/graph-error";
import { isEventual, type Call, type GraphReply, type GraphService } from "./graph-service";
import { allowOnly, parseCount, parseTop, splitList } from "../odata/query-options";
import {
  parseView,
  propertyOf,
  represent,
  representTyped,
  type Json,
} from "../odata/representation";
import type { CollectionName } from "../../engine/property-catalog";

interface ListSource {
  /** Candidates in their natural order, each with its rank. */
  readonly entries: Iterable<readonly [object: DirectoryObject, rank: number]>;
  readonly collection: CollectionName;
  /** Whether the objects have several types: each then names its own. */
  readonly mixed: boolean;
  readonly context: string;
}

function checkedFilter(
  service: GraphService,
  call: Call,
  source: ListSource,
  counted: boolean,
): Filter | undefined {
  const text = call.options.get("$filter");
  if (text === undefined) return undefined;
  const filter = parseFilter(text);
  for (const name of filter.properties) {
    if (name !== "id" && !service.directory.knows(source.collection, name)) {
      throw malformed(`Invalid filter clause: Could not find a property named '${name}'.`);
    }
  }
  requireAdvanced(filter, isEventual(call), counted);
  return filter;
}

function ordering(
  service: GraphService,
  call: Call,
  source: ListSource,
): ((a: DirectoryObject, b: DirectoryObject) => number) | undefined {
  const parts = splitList(call.options.get("$orderby") ?? "").map((part) => {
    const [, name = "", direction = "asc"] = /^(\w+)(?:\s+(asc|desc))?$/.exec(part) ?? [];
    if (name === "" || !service.directory.knows(source.collection, name))
      throw malformed(`Invalid orderby clause: '${part}'.`);
    return { name, sign: direction === "desc" ? -1 : 1 };
  });
  if (parts.length === 0) return undefined;
  const text = (object: DirectoryObject, name: string): string => {
    const value = propertyOf(object, name) ?? "";
    return typeof value === "string" ? value.toLowerCase() : JSON.stringify(value);
  };
  return (a, b) => {
    for (const { name, sign } of parts) {
      const [left, right] = [text(a, name), text(b, name)];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  };
}

function matches(filter: Filter | undefined, object: DirectoryObject): boolean {
  return (
    filter?.matches(([name = "", ...rest]) => readPath(propertyOf(object, name), rest)) ?? true
  );
}

export function listObjects(service: GraphService, call: Call, source: ListSource): GraphReply {
  const { options } = call;
  allowOnly(options, "$select", "$expand", "$filter", "$top", "$orderby", "$count", "$skiptoken");
  const top = parseTop(options);
  const counted = parseCount(options) && isEventual(call);
  const filter = checkedFilter(service, call, source, counted);
  const order = ordering(service, call, source);
  const view = parseView(service.directory, source.collection, options);
  const token = options.get("$skiptoken");
  const state = token === undefined ? undefined : service.tokens.openList(call.path, token);
  const after = state?.after ?? 0;

  const page: DirectoryObject[] = [];
  let total = 0;
  let last = after;
  let more = false;
  const take = (object: DirectoryObject, rank: number): void => {
    total += 1;
    if (rank <= after) return;
    if (page.length === top) {
      more = true;
      return;
    }
    page.push(object);
    last = rank;
  };
  if (order === undefined) {
    for (const [object, rank] of source.entries) {
      if (more && !counted) break;
      if (isVisible(object) && matches(filter, object)) take(object, rank);
    }
  } else {
    const sorted = [...source.entries]
      .map(([object]) => object)
      .filter((object) => isVisible(object) && matches(filter, object));
    sorted.sort(order).forEach((object, index) => take(object, index + 1));
  }

  const body: Json = { "@odata.context": source.context };
  if (counted) body["@odata.count"] = total;
  if (more) body["@odata.nextLink"] = nextLink(service, call, last);
  body["value"] = page.map((object) =>
    source.mixed ? representTyped(object, view) : represent(object, view),
  );
  return { status: 200, body };
}

function nextLink(service: GraphService, call: Call, after: number): string {
  const options = [...call.options]
    .filter(([name]) => name !== "$skiptoken")
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const token = service.tokens.seal({ use: "list", state: { after, path: call.path } });
  return `${call.baseUrl}/${call.path}?${[...options, `$skiptoken=${token}`].join("&")}`;
}

/** `/users/$count` and the like. */
export function countObjects(service: GraphService, call: Call, source: ListSource): GraphReply {
  allowOnly(call.options, "$filter");
  if (!isEventual(call))
    throw malformed("Request to $count needs the header 'ConsistencyLevel: eventual'.");
  const filter = checkedFilter(service, call, source, true);
  let total = 0;
  for (const [object] of source.entries)
    if (isVisible(object) && matches(filter, object)) total += 1;
  return { status: 200, body: total };
}
