import type { Value } from "../../model/json";
import type { Expression, Query } from "../syntax/ast";
import { constantOf } from "./compile-expression";
import { rootValue } from "../plan/frame";
import type { Scope } from "../plan/scope";

/**
 * What WHERE requires of single properties of the document: for each path (its names as JSON text) the values that it
 * may have. Used to look documents up instead of scanning for them; WHERE itself is still evaluated.
 */
export type Restrictions = ReadonlyMap<string, readonly Value[]>;

export function restrictionsOf(query: Query, scope: Scope): Restrictions {
  const found = new Map<string, readonly Value[]>();
  if (query.where !== undefined) collect(query.where, scope, found);
  return found;
}

export function pathText(path: readonly string[]): string {
  return JSON.stringify(path);
}

function collect(expression: Expression, scope: Scope, found: Map<string, readonly Value[]>): void {
  if (expression.kind === "binary" && expression.operator === "AND") {
    collect(expression.left, scope, found);
    collect(expression.right, scope, found);
    return;
  }
  const allowed = allowedValues(expression, scope);
  if (allowed === undefined) return;
  const key = pathText(allowed.path);
  const known = found.get(key);
  if (known === undefined || allowed.values.length < known.length) found.set(key, allowed.values);
}

interface Allowed {
  readonly path: readonly string[];
  readonly values: readonly Value[];
}

function allowedValues(expression: Expression, scope: Scope): Allowed | undefined {
  switch (expression.kind) {
    case "binary": {
      if (expression.operator !== "=") return undefined;
      const { left, right } = expression;
      return (
        allow(pathOf(left, scope), [constantOf(right, scope)]) ??
        allow(pathOf(right, scope), [constantOf(left, scope)])
      );
    }
    case "in":
      return allow(
        pathOf(expression.value, scope),
        expression.items.map((item) => constantOf(item, scope)),
      );
    case "call": {
      const [array, value] = expression.arguments;
      if (expression.name !== "ARRAY_CONTAINS" || array === undefined || value === undefined) {
        return undefined;
      }
      const values = constantOf(array, scope);
      const plain = expression.arguments.length === 2 && Array.isArray(values);
      return plain ? allow(pathOf(value, scope), values) : undefined;
    }
    default:
      return undefined;
  }
}

function allow(path: readonly string[] | undefined, values: readonly Value[]): Allowed | undefined {
  if (path === undefined || path.length === 0) return undefined;
  const simple = values.every(
    (value) => value === null || ["string", "number", "boolean"].includes(typeof value),
  );
  return simple ? { path, values } : undefined;
}

/** The property names from the document down to what the expression names, if it is such a path. */
export function pathOf(expression: Expression, scope: Scope): readonly string[] | undefined {
  if (expression.kind === "name") {
    return scope.find(expression.name) === rootValue ? [] : undefined;
  }
  if (expression.kind !== "property") return undefined;
  const key = constantOf(expression.key, scope);
  const object = pathOf(expression.object, scope);
  return object === undefined || typeof key !== "string" ? undefined : [...object, key];
}
