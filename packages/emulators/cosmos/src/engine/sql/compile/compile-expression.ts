import { SYSTEM_PROPERTIES } from "../../model/document";
import { setOwn, type Json, type JsonObject, type Value } from "../../model/json";
import { isAggregate } from "../plan/aggregates";
import type { Expression } from "../syntax/ast";
import { compileBinary, compileUnary } from "./compile-operator";
import { findFunction } from "../values/functions";
import { rootValue, type Evaluate } from "../plan/frame";
import type { Scope } from "../plan/scope";
import { compareSameType, likePattern, propertyOf, valuesEqual } from "../values/values";

/**
 * Turns an expression into a function, so that names and parameters are resolved once and not for each document.
 *
 * @throws CosmosError `BadRequest` if a name, a parameter or a function is not known
 */
export function compileExpression(expression: Expression, scope: Scope): Evaluate {
  switch (expression.kind) {
    case "constant": {
      const { value } = expression;
      return () => value;
    }
    case "parameter": {
      const value = scope.parameter(expression.name, expression.span);
      return () => value;
    }
    case "name": {
      const evaluate = scope.find(expression.name);
      if (evaluate === undefined) {
        throw scope.error(expression.span, `The name '${expression.name}' could not be resolved`);
      }
      // The whole document is needed, system properties included.
      if (evaluate === rootValue) scope.context.usesSystemProperties = true;
      return evaluate;
    }
    case "property":
      return compileProperty(expression.object, expression.key, scope);
    case "unary":
      return compileUnary(expression.operator, compileExpression(expression.operand, scope));
    case "binary":
      return compileBinary(
        expression.operator,
        compileExpression(expression.left, scope),
        compileExpression(expression.right, scope),
      );
    case "conditional": {
      const test = compileExpression(expression.test, scope);
      const yes = compileExpression(expression.yes, scope);
      const no = compileExpression(expression.no, scope);
      return (frame) => (test(frame) === true ? yes(frame) : no(frame));
    }
    case "between": {
      const value = compileExpression(expression.value, scope);
      const low = compileExpression(expression.low, scope);
      const high = compileExpression(expression.high, scope);
      return (frame) => {
        const tested = value(frame);
        const above = compareSameType(tested, low(frame));
        const below = compareSameType(tested, high(frame));
        return above === undefined || below === undefined ? undefined : above >= 0 && below <= 0;
      };
    }
    case "in":
      return compileIn(expression.value, expression.items, scope);
    case "like":
      return compileLike(expression.value, expression.pattern, expression.escape, scope);
    case "call":
      return compileCall(expression, scope);
    case "object":
      return compileObject(expression.entries, scope);
    case "array": {
      const items = expression.items.map((item) => compileExpression(item, scope));
      return (frame) => {
        const values: Json[] = [];
        for (const item of items) {
          const value = item(frame);
          if (value !== undefined) values.push(value);
        }
        return values;
      };
    }
    case "exists": {
      const rows = scope.context.compileNested(expression.query, scope);
      return (frame) => rows(frame).length > 0;
    }
    case "array-query": {
      const rows = scope.context.compileNested(expression.query, scope);
      return (frame) => rows(frame).filter((value) => value !== undefined);
    }
    case "scalar-query": {
      const rows = scope.context.compileNested(expression.query, scope);
      return (frame) => rows(frame)[0];
    }
  }
}

function compileProperty(object: Expression, key: Expression, scope: Scope): Evaluate {
  const ofRoot = object.kind === "name" && scope.find(object.name) === rootValue;
  const inner = ofRoot ? rootValue : compileExpression(object, scope);
  if (key.kind === "constant") {
    const { value } = key;
    if (ofRoot && typeof value === "string" && SYSTEM_PROPERTIES.has(value)) {
      scope.context.usesSystemProperties = true;
    }
    return (frame) => propertyOf(inner(frame), value);
  }
  const compiled = compileExpression(key, scope);
  if (ofRoot) scope.context.usesSystemProperties = true;
  return (frame) => propertyOf(inner(frame), compiled(frame));
}

function compileIn(value: Expression, items: readonly Expression[], scope: Scope): Evaluate {
  const tested = compileExpression(value, scope);
  const texts = new Set<string>();
  const others: Evaluate[] = [];
  // Lists of hundreds of string constants are common: they are looked up instead of compared one by one.
  for (const item of items) {
    const constant = constantOf(item, scope);
    if (typeof constant === "string") texts.add(constant);
    else others.push(compileExpression(item, scope));
  }
  return (frame) => {
    const found = tested(frame);
    if (found === undefined) return undefined;
    if (typeof found === "string" && texts.has(found)) return true;
    return others.some((other) => valuesEqual(found, other(frame)));
  };
}

/** The value of a constant or a parameter. */
export function constantOf(expression: Expression, scope: Scope): Value {
  if (expression.kind === "constant") return expression.value;
  if (expression.kind === "parameter") return scope.parameter(expression.name, expression.span);
  return undefined;
}

function compileLike(
  value: Expression,
  pattern: Expression,
  escape: string | undefined,
  scope: Scope,
): Evaluate {
  const tested = compileExpression(value, scope);
  const constant = constantOf(pattern, scope);
  if (typeof constant === "string") {
    const expression = likePattern(constant, escape);
    return (frame) => {
      const found = tested(frame);
      return typeof found === "string" ? expression.test(found) : undefined;
    };
  }
  const compiled = compileExpression(pattern, scope);
  return (frame) => {
    const found = tested(frame);
    const text = compiled(frame);
    if (typeof found !== "string" || typeof text !== "string") return undefined;
    return likePattern(text, escape).test(found);
  };
}

function compileCall(call: Extract<Expression, { kind: "call" }>, scope: Scope): Evaluate {
  const { name, span } = call;
  const [first] = call.arguments;
  if (isAggregate(name)) {
    const { aggregates } = scope;
    if (aggregates === undefined || first === undefined || call.arguments.length !== 1) {
      throw scope.error(span, `${name} cannot be used here, or not with these arguments,`);
    }
    scope.aggregates = undefined;
    const argument = compileExpression(first, scope);
    scope.aggregates = aggregates;
    const slot = scope.allocate();
    aggregates.push({ name, argument, slot });
    return (frame) => frame.slots[slot];
  }
  const found = findFunction(name);
  if (found === undefined) throw scope.error(span, `'${name}' is not a built-in function`);
  if (call.arguments.length < found.minimum || call.arguments.length > found.maximum) {
    throw scope.error(span, `The function ${name} was given ${call.arguments.length} arguments`);
  }
  const values = call.arguments.map((argument) => compileExpression(argument, scope));
  return (frame) => found.call(values.map((value) => value(frame)));
}

function compileObject(
  entries: readonly (readonly [string, Expression])[],
  scope: Scope,
): Evaluate {
  const compiled = entries.map(([key, value]) => [key, compileExpression(value, scope)] as const);
  return (frame) => {
    const result: JsonObject = {};
    for (const [key, evaluate] of compiled) {
      const value = evaluate(frame);
      if (value !== undefined) setOwn(result, key, value);
    }
    return result;
  };
}
