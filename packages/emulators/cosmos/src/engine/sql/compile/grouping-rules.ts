import { isAggregate } from "../plan/aggregates";
import type { Expression, Query } from "../syntax/ast";
import { constantOf } from "./compile-expression";
import type { Scope } from "../plan/scope";

/**
 * Checks a SELECT with aggregates or GROUP BY: everything that is not aggregated must be grouped by, otherwise its
 * value would depend on the choice of a document of the group.
 *
 * @throws CosmosError `BadRequest`
 */
export function checkGrouped(query: Query, scope: Scope): void {
  const { select } = query;
  const grouped = new Set(query.groupBy.map((expression) => shapeOf(expression, scope)));
  switch (select.kind) {
    case "star":
      throw scope.error(select.span, "'SELECT *' cannot be used with GROUP BY");
    case "value":
      return check(select.expression, grouped, scope);
    case "list":
      for (const item of select.items) check(item.expression, grouped, scope);
  }
}

function check(expression: Expression, grouped: ReadonlySet<string>, scope: Scope): void {
  if (grouped.has(shapeOf(expression, scope))) return;
  switch (expression.kind) {
    case "name":
      throw scope.error(
        expression.span,
        "Property reference is invalid in a query with aggregates: it is neither aggregated nor grouped by",
      );
    case "call":
      if (!isAggregate(expression.name)) {
        for (const argument of expression.arguments) check(argument, grouped, scope);
      }
      return;
    case "property":
      return check(expression.object, grouped, scope);
    case "unary":
      return check(expression.operand, grouped, scope);
    case "binary":
      check(expression.left, grouped, scope);
      return check(expression.right, grouped, scope);
    case "conditional":
      for (const part of [expression.test, expression.yes, expression.no])
        check(part, grouped, scope);
      return;
    case "between":
      for (const part of [expression.value, expression.low, expression.high])
        check(part, grouped, scope);
      return;
    case "in":
      for (const part of [expression.value, ...expression.items]) check(part, grouped, scope);
      return;
    case "like":
      return check(expression.value, grouped, scope);
    case "object":
      for (const [, value] of expression.entries) check(value, grouped, scope);
      return;
    case "array":
      for (const item of expression.items) check(item, grouped, scope);
      return;
    case "constant":
    case "parameter":
    case "exists":
    case "array-query":
    case "scalar-query":
      return;
  }
}

/** The same text for equal expressions, wherever in the query they stand. */
function shapeOf(expression: Expression, scope: Scope): string {
  return (
    JSON.stringify(expression, (key, value: unknown) => {
      if (key === "span") return undefined;
      return value;
    }) + (expression.kind === "parameter" ? JSON.stringify(constantOf(expression, scope)) : "")
  );
}
