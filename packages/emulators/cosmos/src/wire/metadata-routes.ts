/**
 * Everything except documents: the account, databases, containers and partition key ranges. Lists are not paged: an
 * emulated account has few databases and containers.
 */
import type { Account, Database } from "../engine/account";
import type { Container } from "../engine/container";
import { parseQueryBody } from "../engine/document-query";
import { CosmosError } from "../engine/model/cosmos-error";
import type { Json, JsonObject } from "../engine/model/json";
import { compileQuery } from "../engine/sql/compile/compile-query";
import { START } from "../engine/sql/run/continuation";
import { parseQueryText } from "../engine/sql/syntax/query-parser";
import { runQuery } from "../engine/sql/run/run-query";
import { jsonReply, type Reply } from "./reply";
import type { CosmosRequest } from "./request";

function notEmulated(what: string): CosmosError {
  return new CosmosError("NotImplemented", `${what} are not emulated.`);
}

export function handleMetadata(request: CosmosRequest, account: Account): Reply {
  const [root, databaseId, second, containerId, third] = request.segments;
  if (root === undefined) return jsonReply(200, accountResource(request));
  if (root === "offers") return feed(request, "", "Offers", []);
  if (root !== "dbs") throw new CosmosError("NotFound", `There is nothing at '/${root}'.`);
  if (databaseId === undefined) return handleDatabases(request, account);
  if (second === undefined) return handleDatabase(request, account, databaseId);
  const database = account.database(databaseId);
  if (second !== "colls") throw notEmulated(`Resources of the kind '${second}'`);
  if (containerId === undefined) return handleContainers(request, account, database);
  if (third === undefined) return handleContainer(request, account, database, containerId);
  const container = database.container(containerId);
  if (third === "pkranges") {
    return feed(request, container.resourceId, "PartitionKeyRanges", [
      partitionKeyRange(container),
    ]);
  }
  throw notEmulated(`Resources of the kind '${third}'`);
}

/**
 * The account with one location, at the address that the client used. Without a location, or with the id `localhost`,
 * the SDK would read the account again before every request.
 */
function accountResource(request: CosmosRequest): JsonObject {
  const endpoint = `http://${request.header("host") ?? "127.0.0.1"}/`;
  const location = { name: "Emulator", databaseAccountEndpoint: endpoint };
  return {
    id: "emulator",
    _self: "",
    _rid: "emulator",
    _dbs: "//dbs/",
    media: "//media/",
    addresses: "//addresses/",
    writableLocations: [location],
    readableLocations: [location],
    enableMultipleWriteLocations: false,
    userReplicationPolicy: { asyncReplication: false, minReplicaSetSize: 1, maxReplicasetSize: 1 },
    userConsistencyPolicy: { defaultConsistencyLevel: "Session" },
    systemReplicationPolicy: { minReplicaSetSize: 1, maxReplicasetSize: 1 },
    readPolicy: { primaryReadCoefficient: 1, secondaryReadCoefficient: 1 },
    queryEngineConfiguration: "{}",
  };
}

function handleDatabases(request: CosmosRequest, account: Account): Reply {
  if (request.method === "POST" && !request.flag("x-ms-documentdb-isquery")) {
    const database = account.createDatabase(request.body());
    return jsonReply(201, database.resource());
  }
  const all = [...account.databases.values()].map((database) => database.resource());
  return feed(request, "", "Databases", all);
}

function handleDatabase(request: CosmosRequest, account: Account, id: string): Reply {
  switch (request.method) {
    case "GET":
      return resourceReply(200, account.database(id).resource());
    case "DELETE":
      account.deleteDatabase(id);
      return { status: 204, body: "", charge: 1 };
    default:
      throw new CosmosError("MethodNotAllowed", `${request.method} is not possible on a database.`);
  }
}

function handleContainers(request: CosmosRequest, account: Account, database: Database): Reply {
  if (request.method === "POST" && !request.flag("x-ms-documentdb-isquery")) {
    const container = account.createContainer(database, request.body());
    return resourceReply(201, container.resource());
  }
  const all = [...database.containers.values()].map((container) => container.resource());
  return feed(request, database.resourceId, "DocumentCollections", all);
}

function handleContainer(
  request: CosmosRequest,
  account: Account,
  database: Database,
  id: string,
): Reply {
  switch (request.method) {
    case "GET":
      return resourceReply(200, database.container(id).resource());
    case "PUT": {
      const container = database.container(id);
      account.replaceContainer(container, request.body(), request.header("if-match"));
      return resourceReply(200, container.resource());
    }
    case "DELETE":
      account.deleteContainer(database, id);
      return { status: 204, body: "", charge: 1 };
    default:
      throw new CosmosError(
        "MethodNotAllowed",
        `${request.method} is not possible on a container.`,
      );
  }
}

function resourceReply(status: number, resource: JsonObject): Reply {
  const etag = resource["_etag"];
  return jsonReply(status, resource, typeof etag === "string" ? etag : undefined);
}

/** One range for everything: an emulated container has one physical partition. */
function partitionKeyRange(container: Container): JsonObject {
  return {
    _rid: `${container.resourceId.slice(0, -1)}CAAAAAAAAUA==`,
    id: "0",
    _etag: '"00000000-0000-0000-0000-000000000000"',
    minInclusive: "",
    maxExclusive: "FF",
    ridPrefix: 0,
    _self: `dbs/${container.databaseResourceId}/colls/${container.resourceId}/pkranges/0/`,
    throughputFraction: 1,
    status: "online",
    parents: [],
    _ts: 0,
  };
}

function feed(request: CosmosRequest, rid: string, name: string, all: readonly Json[]): Reply {
  const items =
    request.method === "POST" ? select(request, all) : all.map((item) => JSON.stringify(item));
  const body = `{"_rid":${JSON.stringify(rid)},"${name}":[${items.join(",")}],"_count":${items.length}}`;
  return { status: 200, body, charge: 1, itemCount: items.length };
}

/** Runs a query over databases or containers. */
function select(request: CosmosRequest, all: readonly Json[]): readonly string[] {
  const { text, parameters } = parseQueryBody(request.requiredBody());
  const query = compileQuery(parseQueryText(text), text, parameters);
  const rows = all.map((item, index) => ({
    position: index,
    value: () => item,
    text: () => JSON.stringify(item),
    forget: () => undefined,
  }));
  return runQuery(query, rows, START, { items: Infinity, bytes: Infinity }).items;
}

/** A plan that leaves everything to the server, which works because there is one range. */
export function queryPlan(request: CosmosRequest): Reply {
  parseQueryText(parseQueryBody(request.requiredBody()).text);
  return jsonReply(200, {
    partitionedQueryExecutionInfoVersion: 2,
    queryInfo: {
      distinctType: "None",
      top: null,
      offset: null,
      limit: null,
      orderBy: [],
      orderByExpressions: [],
      groupByExpressions: [],
      groupByAliases: [],
      aggregates: [],
      groupByAliasToAggregateType: {},
      rewrittenQuery: "",
      hasSelectValue: false,
      hasNonStreamingOrderBy: false,
    },
    queryRanges: [{ min: "", max: "FF", isMinInclusive: true, isMaxInclusive: false }],
  });
}
