import { badRequest } from "../../model/cosmos-error";
import { setOwn, type Json, type JsonObject } from "../../model/json";
import type { Aggregate } from "../plan/aggregates";
import type { Expression, OrderItem, Query, SelectItem, Source } from "../syntax/ast";
import { compileExpression, constantOf } from "./compile-expression";
import { checkGrouped } from "./grouping-rules";
import { runNested } from "../run/run-nested";
import type { CompiledOrder, CompiledQuery, CompiledSource } from "../plan/compiled-query";
import { rootValue, type Evaluate } from "../plan/frame";
import { Scope, type QueryContext } from "../plan/scope";

/**
 * Compiles a query over the documents of a container.
 *
 * @throws CosmosError `BadRequest`
 */
export function compileQuery(
  query: Query,
  text: string,
  parameters: ReadonlyMap<string, Json>,
): CompiledQuery {
  const context: QueryContext = {
    text,
    parameters,
    slots: 0,
    usesSystemProperties: false,
    compileNested: (nested, parent) => {
      const compiled = compile(nested, new Scope(context, parent), false);
      return (frame) => runNested(compiled, frame);
    },
  };
  const compiled = compile(query, new Scope(context), true);
  return { ...compiled, slots: context.slots, usesSystemProperties: context.usesSystemProperties };
}

function compile(query: Query, scope: Scope, isOutermost: boolean): CompiledQuery {
  const sources: CompiledSource[] = [];
  for (const [index, source] of query.sources.entries()) {
    const compiled = compileSource(source, scope, isOutermost && index === 0);
    if (compiled !== undefined) sources.push(compiled);
  }
  const where = query.where === undefined ? undefined : compileExpression(query.where, scope);
  const groupBy = query.groupBy.map((expression) => compileExpression(expression, scope));
  const orderBy = query.orderBy.map((item) => compileOrder(item, scope));
  const aggregates: Aggregate[] = [];
  scope.aggregates = aggregates;
  const { project, projectsRow } = compileSelect(query, scope);
  scope.aggregates = undefined;
  if (projectsRow && (query.distinct || !isOutermost)) scope.context.usesSystemProperties = true;
  if (aggregates.length > 0 || groupBy.length > 0) {
    checkGrouped(query, scope);
    if (orderBy.length > 0)
      throw badRequest("ORDER BY cannot be used with aggregates or GROUP BY.");
  }
  return {
    sources,
    where,
    project,
    projectsRow,
    aggregates,
    groupBy,
    orderBy,
    distinct: query.distinct,
    ...window(query, scope),
    slots: 0,
    usesSystemProperties: false,
    scope,
  };
}

function compileOrder({ expression, descending }: OrderItem, scope: Scope): CompiledOrder {
  return { evaluate: compileExpression(expression, scope), descending };
}

/** The first name of the outermost FROM means the container, whatever it is. */
function bindRoot(expression: Expression, scope: Scope): void {
  if (expression.kind === "property") bindRoot(expression.object, scope);
  else if (expression.kind === "name") scope.bind(expression.name, rootValue);
}

function compileSource(source: Source, scope: Scope, isRoot: boolean): CompiledSource | undefined {
  const { alias, collection, iterates } = source;
  if (isRoot) bindRoot(collection, scope);
  if (isRoot && !iterates && collection.kind === "name") {
    scope.bind(alias, rootValue);
    return undefined;
  }
  const values = compileCollection(collection, iterates, scope);
  const slot = scope.allocate();
  scope.bind(alias, (frame) => frame.slots[slot]);
  return { slot, values };
}

function compileCollection(
  collection: Expression,
  iterates: boolean,
  scope: Scope,
): CompiledSource["values"] {
  if (collection.kind === "scalar-query") {
    return scope.context.compileNested(collection.query, scope);
  }
  const evaluate = compileExpression(collection, scope);
  return (frame) => {
    const value = evaluate(frame);
    if (!iterates) return value === undefined ? [] : [value];
    return Array.isArray(value) ? value : [];
  };
}

function compileSelect(
  query: Query,
  scope: Scope,
): { readonly project: Evaluate; readonly projectsRow: boolean } {
  const { select } = query;
  switch (select.kind) {
    case "star": {
      const [only] = query.sources;
      if (only === undefined || query.sources.length > 1) {
        throw scope.error(select.span, "'SELECT *' is only valid with a single input set");
      }
      const project = scope.find(only.alias) ?? rootValue;
      return { project, projectsRow: project === rootValue };
    }
    case "value": {
      // VALUE c sends the text of the document too: only WHERE decides whether system properties must be parsed.
      const { expression } = select;
      if (expression.kind === "name" && scope.find(expression.name) === rootValue) {
        return { project: rootValue, projectsRow: true };
      }
      return { project: compileExpression(expression, scope), projectsRow: false };
    }
    case "list":
      return { project: compileList(select.items, scope), projectsRow: false };
  }
}

function compileList(items: readonly SelectItem[], scope: Scope): Evaluate {
  let unnamed = 0;
  const names = new Set<string>();
  const compiled = items.map((item) => {
    const name = item.alias ?? nameOf(item.expression, scope) ?? `$${++unnamed}`;
    if (names.has(name)) {
      throw scope.error(item.span, `The name '${name}' is used twice in SELECT: give it an alias`);
    }
    names.add(name);
    return { name, evaluate: compileExpression(item.expression, scope) };
  });
  return (frame) => {
    const result: JsonObject = {};
    for (const { name, evaluate } of compiled) {
      const value = evaluate(frame);
      if (value !== undefined) setOwn(result, name, value);
    }
    return result;
  };
}

function nameOf(expression: Expression, scope: Scope): string | undefined {
  if (expression.kind === "name") return expression.name;
  if (expression.kind !== "property") return undefined;
  const key = constantOf(expression.key, scope);
  return typeof key === "string" ? key : undefined;
}

function window(query: Query, scope: Scope): { readonly skip: number; readonly take: number } {
  const count = (expression: Expression | undefined, absent: number): number => {
    if (expression === undefined) return absent;
    const value = constantOf(expression, scope);
    if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
    throw badRequest("TOP, OFFSET and LIMIT take a whole number that is not negative.");
  };
  if (query.top !== undefined && query.limit !== undefined) {
    throw badRequest("TOP and OFFSET LIMIT cannot be used together.");
  }
  return { skip: count(query.offset, 0), take: count(query.top ?? query.limit, Infinity) };
}
