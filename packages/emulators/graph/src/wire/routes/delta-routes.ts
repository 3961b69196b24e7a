/** `/users/delta` and `/groups/delta`: the first request of a round, its next pages, and the links between them. */
import { parseFilter } from "../odata/filter";
import { GraphError, malformed, unsupportedQuery } from "../errors/graph-error";
import { type Call, type GraphReply, type GraphService, type Route } from "./graph-service";
import type { DeltaState } from "../../engine/delta-state";
import type { DeltaItem } from "../../engine/delta-round";
import { contextOf, rolesFor } from "./object-routes";
import { resourceTypes, type CollectionName } from "../../engine/property-catalog";
import { splitList } from "../odata/query-options";
import { parseSelect, type Json } from "../odata/representation";

const MAX_FILTERED_IDS = 50;
/** How far a replay goes back, in changes. */
const MAX_REPLAYED = 50;

/** The options of a first request, in the form that tokens carry. */
type Asked = Pick<DeltaState, "select" | "relation" | "ids">;

function parseAsked(service: GraphService, call: Call, collection: CollectionName): Asked {
  const { relation } = resourceTypes[collection];
  for (const option of ["$expand", "$orderby", "$search", "$count", "$skip"]) {
    if (call.options.has(option))
      throw unsupportedQuery(
        `The query option '${option}' is not supported on delta queries for ${collection}.`,
      );
  }
  const text = call.options.get("$select");
  const names = text === undefined ? undefined : splitList(text);
  const properties = names?.filter((name) => name !== relation).join();
  const select =
    properties === undefined
      ? null
      : parseSelect(service.directory, collection, properties).filter((name) => name !== "id");
  return {
    select,
    // Without $select, groups include their members; users never include their manager.
    relation: names?.includes(relation) ?? collection === "groups",
    ids: parseIds(call.options.get("$filter")),
  };
}

function parseIds(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  const { ids } = parseFilter(text);
  if (ids === undefined || ids.length === 0)
    throw unsupportedQuery(
      "Delta queries can be filtered by object id only: id eq '…' or id eq '…'.",
    );
  if (ids.length > MAX_FILTERED_IDS)
    throw malformed(`Too many ids in $filter: ${ids.length}; the limit is ${MAX_FILTERED_IDS}.`);
  return [...new Set(ids)];
}

/** The last change that has reached the replica that serves delta. */
function replicated(service: GraphService): number {
  if (service.replicationLagMs === 0) return service.directory.seq;
  return service.directory.log.seqAt(service.nowMs() - service.replicationLagMs);
}

function firstUrl(call: Call, { collection, select, relation, ids }: DeltaState): string {
  const names = [...(select ?? []), ...(relation ? [resourceTypes[collection].relation] : [])];
  const options = [
    ...(select === null ? [] : [`$select=${(names.length === 0 ? ["id"] : names).join(",")}`]),
    ...(ids === null
      ? []
      : [`$filter=${encodeURIComponent(ids.map((id) => `id eq '${id}'`).join(" or "))}`]),
  ];
  return `${call.baseUrl}/${collection}/delta${options.length === 0 ? "" : `?${options.join("&")}`}`;
}

function requireFresh(
  service: GraphService,
  call: Call,
  state: DeltaState,
  shownSeq: number | null,
): void {
  const old =
    service.nowMs() - state.issuedMs > service.maxTokenAgeMs ||
    state.epoch !== service.epochs[state.collection];
  const forgotten = shownSeq !== null && shownSeq < service.directory.log.startSeq;
  const ahead = state.toSeq > service.directory.seq;
  if (old || forgotten || ahead) {
    throw new GraphError(
      410,
      "syncStateNotFound",
      "The sync state is not found: the token has expired. Resync required: start again without a token.",
      { headers: { location: firstUrl(call, state) } },
    );
  }
}

function openToken(
  service: GraphService,
  call: Call,
  use: "skip" | "delta",
  token: string,
  collection: CollectionName,
): DeltaState {
  const state = service.tokens.openRound(use, token);
  if (state.collection !== collection)
    throw malformed(`Badly formed token. It was issued for ${state.collection}.`);
  // What the client has seen: a finished round to its end, an unfinished one to where it started.
  requireFresh(service, call, state, use === "delta" ? state.toSeq : state.fromSeq);
  return state;
}

const start = { phase: "objects", position: 0, touched: 0, joined: 0 } as const;

/** The round that a request belongs to. `latest`: `$deltatoken=latest`, which shows nothing. */
function stateOf(
  service: GraphService,
  call: Call,
  collection: CollectionName,
): { state: DeltaState; latest: boolean } {
  const skip = call.options.get("$skiptoken");
  const delta = call.options.get("$deltatoken");
  const repeated = ["$select", "$filter"].some((option) => call.options.has(option));
  if (skip !== undefined) {
    if (repeated || delta !== undefined)
      throw malformed(
        "$skiptoken already carries the query options of the first request: send the nextLink as it is.",
      );
    return { state: openToken(service, call, "skip", skip, collection), latest: false };
  }
  if (delta !== undefined && delta.toLowerCase() !== "latest") {
    if (repeated)
      throw malformed(
        "$deltatoken already carries the query options of the first request: send the deltaLink as it is.",
      );
    const state = openToken(service, call, "delta", delta, collection);
    const toSeq = Math.max(state.toSeq, replicated(service));
    let fromSeq = state.toSeq;
    if (service.replay > 0 && service.random() < service.replay) {
      fromSeq = service.directory.log.rewind(
        collection,
        fromSeq,
        1 + Math.floor(service.random() * MAX_REPLAYED),
      );
    }
    return { state: { ...state, ...start, fromSeq, toSeq }, latest: false };
  }
  const asked = parseAsked(service, call, collection);
  const latest = delta !== undefined;
  const toSeq = replicated(service);
  const round = { collection, ...asked, fromSeq: latest ? toSeq : null, toSeq, ...start };
  return {
    state: { ...round, epoch: service.epochs[collection], issuedMs: service.nowMs() },
    latest,
  };
}

function repeatOne(service: GraphService, items: DeltaItem[]): void {
  if (service.replay === 0 || items.length === 0 || service.random() >= service.replay) return;
  const again = items[Math.floor(service.random() * items.length)];
  if (again !== undefined) items.push(again);
}

function delta(service: GraphService, call: Call, collection: CollectionName): GraphReply {
  const { state, latest } = stateOf(service, call, collection);
  const minimal = /(^|[,\s])return=minimal/i.test(call.header("prefer") ?? "");
  const { items, next } = latest
    ? { items: [], next: undefined }
    : service.rounds.page(state, minimal);
  repeatOne(service, items);
  const stamp = { epoch: service.epochs[collection], issuedMs: service.nowMs() };
  const url = `${call.baseUrl}/${collection}/delta`;
  const view = {
    select:
      state.select === null
        ? undefined
        : [...state.select, ...(state.relation ? [resourceTypes[collection].relation] : [])],
    expand: [],
  };
  const body: Json = { "@odata.context": contextOf(call, collection, view, false) };
  if (next === undefined) {
    const token = service.tokens.seal({
      use: "delta",
      state: { ...state, ...start, fromSeq: null, ...stamp },
    });
    body["@odata.deltaLink"] = `${url}?$deltatoken=${token}`;
  } else {
    body["@odata.nextLink"] =
      `${url}?$skiptoken=${service.tokens.seal({ use: "skip", state: { ...next, ...stamp } })}`;
  }
  body["value"] = items;
  service.counters.add("pages");
  if (next === undefined && items.length === 0) service.counters.add("emptyPolls");
  return {
    status: 200,
    body,
    ...(minimal ? { headers: { "preference-applied": "return=minimal" } } : {}),
  };
}

function deltaRoute(collection: CollectionName): Route {
  return {
    method: "GET",
    path: `${collection}/delta`,
    operation: `${collection}.delta`,
    access: "read",
    roles: rolesFor[collection].read,
    handle: (service, call) => delta(service, call, collection),
  };
}

export const deltaRoutes: readonly Route[] = [deltaRoute("users"), deltaRoute("groups")];
