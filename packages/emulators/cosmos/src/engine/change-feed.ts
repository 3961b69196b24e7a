import { queryCharge } from "./model/charge";
import type { Container } from "./container";
import type { StoredDocument } from "./model/document";
import { badRequest } from "./model/cosmos-error";
import type { RequestedKey } from "./model/partition-key";

const DEFAULT_PAGE_ITEMS = 100;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export interface ChangesRequest {
  readonly key: RequestedKey | undefined;
  readonly maxItems: number | undefined;
  /** The etag of the last page, `*` for "from now on", absent for the beginning. */
  readonly after: string | undefined;
  /** Returns only what was written since this HTTP date. */
  readonly since: string | undefined;
  readonly nowMs: number;
}

export interface ChangesPage {
  readonly items: readonly string[];
  readonly etag: string;
  readonly charge: number;
}

/** The latest versions of documents written after a point, oldest first. Deletes leave no trace in this mode. */
export function readChanges(container: Container, request: ChangesRequest): ChangesPage {
  const { key, after, nowMs } = request;
  const afterLsn = startOf(container, after);
  const sinceMs = request.since === undefined ? 0 : Date.parse(request.since);
  if (Number.isNaN(sinceMs)) throw badRequest("If-Modified-Since is not a date.");
  const changed: StoredDocument[] = [];
  const add = (documents: Iterable<StoredDocument>): void => {
    for (const document of documents) {
      if (document.lsn <= afterLsn || document.writtenMs < sinceMs) continue;
      if (!container.isExpired(document, nowMs)) changed.push(document);
    }
  };
  if (key === undefined) add(container.documents());
  else for (const { documents } of container.partitionsUnder(key)) add(documents.values());
  changed.sort((left, right) => left.lsn - right.lsn);
  const limit = request.maxItems === -1 ? Infinity : (request.maxItems ?? DEFAULT_PAGE_ITEMS);
  const items: string[] = [];
  let bytes = 0;
  let last = afterLsn;
  for (const document of changed) {
    if (items.length >= limit || bytes >= MAX_PAGE_BYTES) break;
    items.push(container.render(document, true));
    bytes += document.json.length;
    last = document.lsn;
  }
  if (items.length === 0) last = Math.max(afterLsn, container.lsn);
  return { items, etag: `"${last}"`, charge: queryCharge(items.length, bytes) };
}

function startOf(container: Container, after: string | undefined): number {
  if (after === undefined || after === "") return 0;
  if (after === "*") return container.lsn;
  const lsn = Number(after.replaceAll('"', ""));
  if (!Number.isInteger(lsn) || lsn < 0) {
    throw badRequest("The continuation of the change feed is not valid.");
  }
  return lsn;
}
