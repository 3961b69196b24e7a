import { badParameter } from "../engine/vault-error";

/** The service's own limit, and its default. */
const MAX_RESULTS = 25;

/** One page of a list, with an absolute link to the next one. */
export function listPage<T>(
  all: readonly T[],
  idOf: (item: T) => string,
  url: URL,
): { items: T[]; nextLink: string | null } {
  const size = pageSize(url.searchParams.get("maxresults"));
  const after = decoded(url.searchParams.get("$skiptoken"));
  // What was added or removed since the last page must not shift this one.
  const rest = after === undefined ? all : all.filter((item) => idOf(item) > after);
  const items = rest.slice(0, size);
  const last = items.at(-1);
  if (last === undefined || rest.length <= size) return { items, nextLink: null };
  const next = new URL(url);
  next.searchParams.set("$skiptoken", Buffer.from(idOf(last)).toString("base64url"));
  return { items, nextLink: next.href };
}

function pageSize(text: string | null): number {
  if (text === null) return MAX_RESULTS;
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1 && size <= MAX_RESULTS) return size;
  throw badParameter(`maxresults must be between 1 and ${MAX_RESULTS}`);
}

function decoded(token: string | null): string | undefined {
  return token === null ? undefined : Buffer.from(token, "base64url").toString("utf8");
}
