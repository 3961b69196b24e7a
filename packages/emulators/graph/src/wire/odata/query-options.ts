/** The query string of a request: OData system options (`$select`, …) by name, decoded once. */
import { malformed } from "../errors/graph-error";

const systemOptions = new Set([
  "$select",
  "$expand",
  "$filter",
  "$top",
  "$skip",
  "$orderby",
  "$count",
  "$search",
  "$skiptoken",
  "$deltatoken",
]);

export type QueryOptions = ReadonlyMap<string, string>;

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch (cause) {
    throw malformed(
      `The query string is not properly encoded: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

/** @throws GraphError 400 for an option that is unknown or given twice */
export function parseQueryOptions(query: string): QueryOptions {
  const options = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (!name.startsWith("$")) continue;
    const option = name.toLowerCase();
    if (!systemOptions.has(option))
      throw malformed(`The query parameter '${name}' is not supported.`);
    if (options.has(option))
      throw malformed(
        `Query option '${name}' was specified more than once, but it must be specified at most once.`,
      );
    options.set(option, equals < 0 ? "" : decode(pair.slice(equals + 1)));
  }
  return options;
}

/** Splits at commas outside parentheses, as `$expand=manager($select=id,mail),memberOf` needs. */
export function splitList(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index <= list.length; index += 1) {
    const character = list[index];
    if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
    else if (character === undefined || (character === "," && depth === 0)) {
      parts.push(list.slice(start, index).trim());
      start = index + 1;
    }
  }
  return parts.filter((part) => part !== "");
}

const MAX_TOP = 999;
const DEFAULT_TOP = 100;

/** @throws GraphError 400 if `$top` is out of range */
export function parseTop(options: QueryOptions): number {
  const text = options.get("$top");
  if (text === undefined) return DEFAULT_TOP;
  const top = Number(text);
  if (!/^\d+$/.test(text) || top < 1 || top > MAX_TOP) {
    throw malformed(
      `Invalid page size specified: '${text}'. Must be between 1 and ${MAX_TOP} inclusive.`,
    );
  }
  return top;
}

/** @throws GraphError 400 if `$count` is neither `true` nor `false` */
export function parseCount(options: QueryOptions): boolean {
  const text = options.get("$count");
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  throw malformed(
    `Invalid value '${text}' for $count query option found. Valid values are 'true' and 'false'.`,
  );
}

/** @throws GraphError 400 if the request has an option that the endpoint does not support */
export function allowOnly(options: QueryOptions, ...allowed: string[]): void {
  for (const name of options.keys()) {
    if (!allowed.includes(name))
      throw malformed(`Query option '${name}' is not supported on this request.`);
  }
}
