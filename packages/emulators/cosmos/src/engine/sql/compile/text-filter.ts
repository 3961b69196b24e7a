/**
 * Replaces an index: stored documents are canonical JSON texts, so one in which the property `status` equals "held"
 * contains the characters `"status":"held"`. Searching the text is far cheaper than parsing it. A filter may pass a
 * document that WHERE then rejects, never the reverse.
 */
import { SYSTEM_PROPERTIES } from "../../model/document";
import type { Value } from "../../model/json";
import type { Expression, Query } from "../syntax/ast";
import { constantOf } from "./compile-expression";
import { pathOf } from "./restriction";
import type { Scope } from "../plan/scope";

export type TextFilter = (json: string) => boolean;

export function textFilterOf(query: Query, scope: Scope): TextFilter | undefined {
  return query.where === undefined ? undefined : filterOf(query.where, scope);
}

function filterOf(expression: Expression, scope: Scope): TextFilter | undefined {
  switch (expression.kind) {
    case "binary": {
      const { left, right, operator } = expression;
      if (operator === "AND" || operator === "OR") {
        const first = filterOf(left, scope);
        const second = filterOf(right, scope);
        if (first !== undefined && second !== undefined) {
          return operator === "AND"
            ? (json) => first(json) && second(json)
            : (json) => first(json) || second(json);
        }
        return operator === "AND" ? (first ?? second) : undefined;
      }
      if (operator !== "=") return undefined;
      return (
        anyOf(left, [constantOf(right, scope)], scope) ??
        anyOf(right, [constantOf(left, scope)], scope)
      );
    }
    case "in":
      return anyOf(
        expression.value,
        expression.items.map((item) => constantOf(item, scope)),
        scope,
      );
    case "call": {
      const [first, second, ...others] = expression.arguments;
      if (first === undefined) return undefined;
      if (expression.name === "IS_DEFINED") return definedFilter(first, scope);
      if (expression.name !== "ARRAY_CONTAINS" || second === undefined || others.length > 0) {
        return undefined;
      }
      const list = constantOf(first, scope);
      if (Array.isArray(list)) return anyOf(second, list, scope);
      return memberFilter(first, constantOf(second, scope), scope);
    }
    default:
      return undefined;
  }
}

function anyOf(
  property: Expression,
  values: readonly Value[],
  scope: Scope,
): TextFilter | undefined {
  const name = lastName(property, scope);
  if (name === undefined || values.length === 0) return undefined;
  const texts: string[] = [];
  for (const value of values) {
    if (!isScalar(value)) return undefined;
    texts.push(JSON.stringify(value));
  }
  const label = `${JSON.stringify(name)}:`;
  const [only] = texts;
  if (only !== undefined && texts.length === 1) {
    const needle = label + only;
    return (json) => json.includes(needle);
  }
  // The name is searched for once, however many values there are.
  return (json) => {
    for (let at = json.indexOf(label); at !== -1; at = json.indexOf(label, at + 1)) {
      const start = at + label.length;
      if (texts.some((text) => json.startsWith(text, start))) return true;
    }
    return false;
  };
}

function definedFilter(property: Expression, scope: Scope): TextFilter | undefined {
  const name = lastName(property, scope);
  if (name === undefined) return undefined;
  const needle = `${JSON.stringify(name)}:`;
  return (json) => json.includes(needle);
}

function memberFilter(array: Expression, value: Value, scope: Scope): TextFilter | undefined {
  if (lastName(array, scope) === undefined || !isScalar(value)) return undefined;
  const needle = JSON.stringify(value);
  return (json) => json.includes(needle);
}

function isScalar(value: Value): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** The name of a stored property; system properties are not in the stored text. */
function lastName(expression: Expression, scope: Scope): string | undefined {
  const path = pathOf(expression, scope);
  const [first] = path ?? [];
  if (first === undefined || SYSTEM_PROPERTIES.has(first)) return undefined;
  return path?.at(-1);
}
