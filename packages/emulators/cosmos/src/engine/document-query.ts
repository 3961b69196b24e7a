import type { Query } from "./sql/syntax/ast";
import { compileQuery } from "./sql/compile/compile-query";
import { fingerprint, readContinuation, writeContinuation } from "./sql/run/continuation";
import { parseQueryText } from "./sql/syntax/query-parser";
import { pathText, restrictionsOf, type Restrictions } from "./sql/compile/restriction";
import { runQuery, type SourceRow } from "./sql/run/run-query";
import { textFilterOf } from "./sql/compile/text-filter";
import { queryCharge } from "./model/charge";
import type { Container } from "./container";
import type { StoredDocument } from "./model/document";
import { badRequest } from "./model/cosmos-error";
import { isObject, parseJson, type Json, type Value } from "./model/json";
import type { Partition } from "./model/partition";
import { isUnderKey, keyOfValues, type RequestedKey } from "./model/partition-key";

/** The service ends a page at 4 MB; JSON texts are counted by characters here. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const DEFAULT_PAGE_ITEMS = 100;
/** With more combinations of partition key values than this, documents are scanned instead of looked up. */
const MAX_KEYS = 10_000;

export interface QueryRequest {
  readonly text: string;
  readonly parameters: ReadonlyMap<string, Json>;
  readonly key: RequestedKey | undefined;
  /** -1: as many as fit into a page. */
  readonly maxItems: number | undefined;
  readonly continuation: string | undefined;
  readonly nowMs: number;
}

export interface QueryPage {
  /** Results as JSON texts. */
  readonly items: readonly string[];
  readonly continuation: string | undefined;
  readonly charge: number;
}

/**
 * Reads the body of a query request.
 *
 * @throws CosmosError `BadRequest`
 */
export function parseQueryBody(body: Json): { text: string; parameters: Map<string, Json> } {
  const text = isObject(body) ? body["query"] : undefined;
  if (typeof text !== "string") throw badRequest("The body of a query needs the property 'query'.");
  const given = isObject(body) ? (body["parameters"] ?? []) : [];
  if (!Array.isArray(given)) throw badRequest("The property 'parameters' must be an array.");
  const parameters = new Map<string, Json>();
  for (const parameter of given) {
    const name = isObject(parameter) ? parameter["name"] : undefined;
    if (!isObject(parameter) || typeof name !== "string" || !name.startsWith("@")) {
      throw badRequest("Every parameter needs a 'name' that begins with '@'.");
    }
    const value = parameter["value"];
    if (value !== undefined) parameters.set(name, value);
  }
  return { text, parameters };
}

/** Programs send few different texts, with many parameters: each text is parsed once. */
const MAX_PARSED = 200;
const parsedQueries = new Map<string, Query>();

function parsedQuery(text: string): Query {
  const known = parsedQueries.get(text);
  if (known !== undefined) return known;
  const query = parseQueryText(text);
  if (parsedQueries.size >= MAX_PARSED) parsedQueries.clear();
  parsedQueries.set(text, query);
  return query;
}

export function queryDocuments(container: Container, request: QueryRequest): QueryPage {
  const { text, parameters, key, maxItems, continuation, nowMs } = request;
  const query = parsedQuery(text);
  const compiled = compileQuery(query, text, parameters);
  const identity = fingerprint(text, JSON.stringify([...parameters]), key?.text ?? "");
  const filter = textFilterOf(query, compiled.scope);
  const load = { documents: 0, bytes: 0 };

  function* rows(): Iterable<SourceRow> {
    const restrictions = restrictionsOf(query, compiled.scope);
    for (const document of candidates(container, key, restrictions)) {
      if (container.isExpired(document, nowMs)) continue;
      if (filter !== undefined && !filter(document.json)) continue;
      load.documents += 1;
      load.bytes += document.json.length;
      yield new DocumentRow(container, document, compiled.usesSystemProperties);
    }
  }

  const source = query.sources.length === 0 ? [NO_DOCUMENT] : rows();
  const page = runQuery(compiled, source, readContinuation(continuation, identity), {
    items: maxItems === -1 ? Infinity : (maxItems ?? DEFAULT_PAGE_ITEMS),
    bytes: MAX_PAGE_BYTES,
  });
  return {
    items: page.items,
    continuation: page.next === undefined ? undefined : writeContinuation(identity, page.next),
    charge: queryCharge(load.documents, load.bytes),
  };
}

/** The source of a query without FROM. */
const NO_DOCUMENT: SourceRow = {
  position: 0,
  text: () => "{}",
  value: () => ({}),
  forget: () => undefined,
};

class DocumentRow implements SourceRow {
  readonly position: number;
  readonly #container: Container;
  readonly #document: StoredDocument;
  readonly #withSystemProperties: boolean;
  #parsed: Json | undefined;

  constructor(container: Container, document: StoredDocument, withSystemProperties: boolean) {
    this.position = document.sequence;
    this.#container = container;
    this.#document = document;
    this.#withSystemProperties = withSystemProperties;
  }

  text(): string {
    return this.#container.render(this.#document);
  }

  value(): Json {
    this.#parsed ??= parseJson(this.#withSystemProperties ? this.text() : this.#document.json);
    return this.#parsed;
  }

  forget(): void {
    this.#parsed = undefined;
  }
}

/** The documents that can be results, in the order of their sequence. */
function candidates(
  container: Container,
  key: RequestedKey | undefined,
  restrictions: Restrictions,
): Iterable<StoredDocument> {
  const ids = restrictions.get(pathText(["id"]));
  const partitions = partitionsFor(container, key, restrictions);
  if (ids !== undefined) {
    const among = partitions ?? [...container.partitions.values()];
    return inOrder(among.flatMap((partition) => withIds(partition, ids)));
  }
  if (partitions === undefined) return container.documents();
  const [only] = partitions;
  if (only !== undefined && partitions.length === 1) return only.documents.values();
  return inOrder(partitions.flatMap((partition) => [...partition.documents.values()]));
}

function inOrder(documents: StoredDocument[]): StoredDocument[] {
  return documents.sort((left, right) => left.sequence - right.sequence);
}

function withIds(partition: Partition, ids: readonly Value[]): StoredDocument[] {
  const found: StoredDocument[] = [];
  for (const id of new Set(ids)) {
    const document = typeof id === "string" ? partition.documents.get(id) : undefined;
    if (document !== undefined) found.push(document);
  }
  return found;
}

/** The partitions under the key of the request, or that WHERE names; `undefined` for all. */
function partitionsFor(
  container: Container,
  key: RequestedKey | undefined,
  restrictions: Restrictions,
): Partition[] | undefined {
  const paths = container.definition.partitionKeyPaths;
  if (key?.length === paths.length) return [...container.partitionsUnder(key)];
  let combinations: (readonly Value[])[] = [[]];
  for (const path of paths) {
    const values = restrictions.get(pathText(path));
    if (values === undefined || values.length * combinations.length > MAX_KEYS) {
      return key === undefined ? undefined : [...container.partitionsUnder(key)];
    }
    combinations = combinations.flatMap((start) => values.map((value) => [...start, value]));
  }
  const found = new Set<Partition>();
  for (const values of combinations) {
    const partition = container.partitions.get(keyOfValues(values));
    if (partition === undefined) continue;
    if (key === undefined || isUnderKey(partition.key, key, paths.length)) found.add(partition);
  }
  return [...found];
}
