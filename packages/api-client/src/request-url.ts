import type { Route } from "@postern/contracts";
import { UnsendableRequest } from "./api-errors";

/** Values by name, as a request's path, query or headers take them. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * Path of a route with its parameters filled in, each as one encoded segment.
 *
 * @throws UnsendableRequest for a value that no URL can hold as one segment
 */
export function pathOf(route: Pick<Route, "path">, params: Values = {}): string {
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, params[name]));
}

function segment(name: string, value: unknown): string {
  const text = textOf(value);
  // A URL parser takes dots as steps through the path, also when they are percent-encoded.
  if (text !== "" && text !== "." && text !== ".." && text.isWellFormed()) {
    return encodeURIComponent(text);
  }
  throw new UnsendableRequest("path", `'${text}' cannot be the ${name} in a path`);
}

/** `?name=value&...`, or nothing. Values that are undefined are left out. */
export function queryOf(query: Values = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, textOf(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
      return String(value);
    default:
      return "";
  }
}
